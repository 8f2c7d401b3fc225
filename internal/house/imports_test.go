package house

import (
	"fmt"
	"go/parser"
	"go/token"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const (
	module   = "github.com/holdfast-go/holdfast"
	anything = "*"
)

// arrows says which of our folders a folder may import, "/" being the root
// package. A folder below a row belongs to that row unless it has its own.
// Nobody needs a row's leave to import itself or internal/.
var arrows = map[string][]string{
	"/": {
		"policy", "event", "registry", "registry/nacos", "registry/nacossdk", "resolver",
		"middleware", "middleware/hystrix", "fallback", "tracing",
	},
	"policy":             {},
	"event":              {},
	"registry":           {"event"},
	"registry/nacos":     {"registry", "event"},
	"registry/nacossdk":  {"registry", "event"},
	"resolver":           {"registry", "policy", "event"},
	"middleware":         {"policy", "event"},
	"middleware/hystrix": {"middleware", "policy", "event"},
	"fallback":           {"policy", "event"},
	"tracing":            {"policy", "event"},
	"nacostest":          {"registry"},
	"internal":           {"policy", "event"},
	"gomicro":            {"/", "registry", "policy", "resolver"},
	"cmd":                {anything},
	"examples":           {anything},
	"bench":              {anything},
	"e2e":                {anything},
	"tools":              {anything},
}

// reserved says which rows alone may import a library.
var reserved = map[string][]string{
	"github.com/afex/hystrix-go":          {"middleware/hystrix", "bench"},
	"github.com/nacos-group/nacos-sdk-go": {"registry/nacossdk", "registry/nacos", "nacostest"},
	"github.com/patrickmn/go-cache":       {"fallback"},
	"go.opentelemetry.io/otel/sdk":        {"cmd", "examples", "bench"},
}

func TestImportsFollowTheArrows(t *testing.T) {
	imports := readImports(t)
	if len(imports) == 0 {
		t.Fatal("no Go files found")
	}
	for _, fault := range faults(imports) {
		t.Error(fault)
	}
}

func TestFaultsAreFound(t *testing.T) {
	tests := []struct {
		name    string
		imports map[string][]string
		want    []string
	}{
		{
			name: "what the table allows",
			imports: map[string][]string{
				"/":                     {"context", module + "/resolver", module + "/internal/call"},
				"resolver":              {module + "/registry", "github.com/go-kit/kit/sd"},
				"registry/registrytest": {module + "/registry"},
				"internal/call":         {module + "/policy"},
				"middleware/hystrix":    {module + "/middleware", "github.com/afex/hystrix-go/hystrix"},
				"examples/quickstart":   {module, module + "/nacostest", "go.opentelemetry.io/otel/sdk/trace"},
			},
		},
		{
			name:    "forbidden arrow",
			imports: map[string][]string{"/": {module + "/nacostest"}},
			want:    []string{"/ imports nacostest, which its row does not allow"},
		},
		{
			name:    "folder without a row",
			imports: map[string][]string{"helpers": {"context"}},
			want:    []string{"helpers has no row: say in this table what it may import"},
		},
		{
			name:    "reserved library",
			imports: map[string][]string{"middleware": {"github.com/afex/hystrix-go/hystrix"}, "tracing": {"go.opentelemetry.io/otel/sdk/trace"}},
			want: []string{
				"middleware imports github.com/afex/hystrix-go/hystrix, which only [middleware/hystrix bench] may",
				"tracing imports go.opentelemetry.io/otel/sdk/trace, which only [cmd examples bench] may",
			},
		},
		{
			name: "cycle",
			imports: map[string][]string{
				"internal/call": {module + "/policy"},
				"policy":        {module + "/internal/text"},
				"internal/text": {module + "/internal/call"},
			},
			want: []string{"cycle: internal/call → policy → internal/text → internal/call"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if found := faults(test.imports); !slices.Equal(found, test.want) {
				t.Errorf("found %q, want %q", found, test.want)
			}
		})
	}
}

// faults checks the imports, by folder, against the tables above.
func faults(imports map[string][]string) []string {
	var found []string
	graph := map[string][]string{}
	for _, folder := range slices.Sorted(maps.Keys(imports)) {
		row := rowOf(folder)
		if row == "" {
			found = append(found, folder+" has no row: say in this table what it may import")
			continue
		}
		for _, imported := range imports[folder] {
			to, ours := ourFolder(imported)
			switch {
			case ours && !allowed(row, rowOf(to)):
				found = append(found, fmt.Sprintf("%s imports %s, which its row does not allow", folder, to))
			case ours && node(to) != node(folder):
				graph[node(folder)] = append(graph[node(folder)], node(to))
			case !ours && !slices.Contains(ownersOf(imported, row), row):
				found = append(found, fmt.Sprintf("%s imports %s, which only %v may", folder, imported, ownersOf(imported, row)))
			}
		}
	}
	return append(found, cycles(graph)...)
}

func allowed(from, to string) bool {
	return from == to || to == "internal" ||
		slices.Contains(arrows[from], to) || slices.Contains(arrows[from], anything)
}

// ownersOf returns the rows that may import a library: those it is reserved
// for, or else the one that asks.
func ownersOf(imported, asking string) []string {
	for library, owners := range reserved {
		if imported == library || strings.HasPrefix(imported, library+"/") {
			return owners
		}
	}
	return []string{asking}
}

func rowOf(folder string) string {
	for ; folder != "."; folder = path.Dir(folder) {
		if _, ok := arrows[folder]; ok {
			return folder
		}
	}
	return ""
}

// node is a folder's place in the graph of arrows: its row, but in internal/
// each package stands for itself.
func node(folder string) string {
	if row := rowOf(folder); row != "internal" {
		return row
	}
	return folder
}

func ourFolder(imported string) (folder string, ours bool) {
	if imported == module {
		return "/", true
	}
	return strings.CutPrefix(imported, module+"/")
}

func cycles(graph map[string][]string) []string {
	var found []string
	done := map[string]bool{}
	var follow func(way []string, at string)
	follow = func(way []string, at string) {
		if i := slices.Index(way, at); i >= 0 {
			found = append(found, "cycle: "+strings.Join(append(way[i:], at), " → "))
			return
		}
		if done[at] {
			return
		}
		for _, next := range graph[at] {
			follow(append(way, at), next)
		}
		done[at] = true
	}
	for _, start := range slices.Sorted(maps.Keys(graph)) {
		follow(nil, start)
	}
	return found
}

// readImports reads what each folder's Go files import, whatever their build
// tags; tests may import what they like.
func readImports(t *testing.T) map[string][]string {
	t.Helper()
	imports := map[string][]string{}
	visit(t, func(file string) {
		if !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return
		}
		parsed, err := parser.ParseFile(token.NewFileSet(), path.Join(root, file), nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		folder := path.Dir(file)
		if folder == "." {
			folder = "/"
		}
		imports[folder] = slices.Grow(imports[folder], 1) // a folder that imports nothing counts too
		for _, spec := range parsed.Imports {
			imported, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
			imports[folder] = append(imports[folder], imported)
		}
	})
	return imports
}
