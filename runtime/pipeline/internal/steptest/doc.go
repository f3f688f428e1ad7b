// Package steptest is what the tests of steps are written with: expressions
// compiled as a flow has them ([Where], [Value], [Emit]), events made from a few
// words ([Words], [Event]), and sinks that note what leaves a step and refuse
// some of it ([Recorder], [Taker], [Each]). It knows no step, so that the tests
// inside of the packages of steps can use it, too.
package steptest
