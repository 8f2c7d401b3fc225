// Package resolver turns what a registry says of a service into endpoints that can be called: it picks an instance for
// each attempt, keeps one endpoint for each instance, and takes instances that keep failing out of the traffic.
//
// A Resolver belongs to a service and holds what its instances are known to do: load and failures. Any number of
// Clients, one for each method or one for all, share it. go-kit's own parts can follow the same list by Instancer.
//
// # Ejection
//
// It follows Envoy's outlier detection for consecutive failures (policy.Ejection has the settings), but nothing runs in
// the background:
//
//   - Each time that an instance's failures in a row reach a multiple of ConsecutiveFailures it is ejected, or that is
//     refused because as many as MaxPercent allows are out. A good answer sets the count to 0; a cancelled or throttled
//     call does not count at all.
//   - The n-th ejection in a row lasts n times as long, at most MaxTime, ±10 % so that instances that failed together do
//     not return together. n falls by one for each Time that the instance has been back in the traffic.
//   - It ends when its time is over, at the next call. An instance that returned has a clean count: it takes the full
//     number of failures to eject it again, and then for longer.
//   - When so many others leave the list that more than MaxPercent would be out, those with the least time left return
//     early. Good answers, which ejected instances may give in panic mode, do not end an ejection.
//   - In panic mode (less than PanicPercent of the usable instances are not ejected) all usable ones are candidates.
package resolver
