// Package flowfile describes a flow file as the engine takes it: read, checked,
// and with every reference in it resolved. Package flows makes a [File] of HCL,
// package graph makes its wiring out of that, and package engine runs it. Nobody
// changes a File, so that they can look at it from any goroutine.
//
// The blocks of a File are called as in the flow. A [ConnectorBlock] and a
// [StepBlock] hold the configuration of their component, whose New has succeeded
// once already; a [ConnectBlock] holds compiled expressions. How the flow ends
// ([Drain]), where its process is managed ([Admin]) and whom that tells what it has
// counted ([Telemetry]) are structs with the tags that package flow explains, as the
// configurations of components are.
//
// This package starts nothing.
package flowfile
