// Package usage reads what another process uses of the machine. The load generator
// tells what a server costs by it, and so do the benchmarks and tests that start one.
package usage
