// Package runner runs the cases of test files: real flows as processes, in
// scratch folders of their own, with peers that follow scripts, and compares
// what came of it with what was expected.
//
// The life of a test:
//
//  1. Its folder is copied ([scratch]), its ports are leased ([ports]), its
//     block is read with both, and its certificates are made.
//  2. The programs of before start one after the other, each when the one before
//     it is ready or, with wait, has ended well.
//  3. Peers that listen, run, and peers that connect start. The test waits for
//     the end of run, and of all peers.
//  4. What still runs is ended, the last started first: SIGTERM, and SIGKILL to
//     what is still there after a grace. A flow must end well then.
//  5. What was expected is compared with exit codes, outputs and files.
//  6. The programs of after run, whatever has happened. The folder is kept when
//     the test has failed.
//
// A timeout ends steps 2 and 3 of its own test; the others do not notice. Every
// program has a process group, so that what it starts ends with it.
//
//	runner   discovery, choice, and cases in parallel
//	trial    one test from its folder to its end
//	process  programs and their groups (a package)
//	scratch  copies of folders
//	ports    leases (a package)
//	players  peers, and signals to processes while they talk
//	unit     pipelines and expressions, in this process
//	result   what came of a case; report and print say it
package runner
