// Package cputime measures for tests that compare what things cost. It imports
// nothing of this module, so that the tests of every package can use it.
package cputime
