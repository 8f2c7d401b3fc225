package fallback

import "strconv"

// Key joins parts into one key. Each part is preceded by its length (as in a netstring), so that different parts never
// give the same key, whatever characters they contain: Key("a|b", "c") is not Key("a", "b|c"), and Key("a") is not
// Key("a", "").
func Key(parts ...string) string {
	size := 0
	for _, part := range parts {
		size += len(part) + digits(len(part)) + 1
	}
	key := make([]byte, 0, size)
	for _, part := range parts {
		key = strconv.AppendInt(key, int64(len(part)), 10)
		key = append(key, ':')
		key = append(key, part...)
	}
	return string(key)
}

func digits(n int) int {
	count := 1
	for n >= 10 {
		n /= 10
		count++
	}
	return count
}
