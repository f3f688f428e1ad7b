// Package runtime is the documentation of what runs a flow; the code is in the
// packages below. Nobody imports it.
//
// # The life of one event
//
// A client of a ws_server sends a line, and the flow answers it:
//
//	client
//	  │ a frame
//	  ▼
//	connector ──► link ──────────────────────► port out ──► connect
//	reads         preprocessors and codec of                  │ where
//	              this connection alone:                      ▼
//	              Event{Raw, Origin}, its                  pipeline
//	              bytes checked and kept,                     │ filter, route, …
//	              the events of one frame                     │
//	              in one batch                                ▼ out, or a named exit
//	connector ◄── link ◄────────────────────── port in ◄── connect
//	writes        found by the event's Origin,
//	  │           or by the peer that the flow
//	  ▼           wrote; codec copies Raw,
//	client        then postprocessors
//
// Then Send returns, all the way back to the connector: the batch is
// delivered, and its bytes are the reader's again.
//
// All of this is one call, made by the reader of the connection. There is no queue on the way, no goroutine and no
// channel per stage, and nothing is allocated: what comes back from Send is the
// acknowledgement, and a slow target holds back whoever reads for it. What is
// sent to another connection than the one that is being read goes into that
// connection's queue instead, which is bounded and has a policy; it is emptied
// by a writer of its own, or, of a broadcast or a result, by its sender as far as
// nobody has to wait. A target without a queue (a file) is written to directly.
//
// A window or a batch takes an event and ends the call there. What it makes of
// many is about all of them: a goroutine of the step sends it on, and who
// finished it waits for that.
//
// When something goes wrong with an event, it goes on at the `err` port of the
// component that it concerns, with the cause, the bytes and the peer. When that
// port is connected and takes it, the event counts as handled; otherwise Send
// returns a BatchError that says which events of the batch have failed, and a
// source decides what that means for it.
//
// # Who does what
//
//	flow       the words: Event, Origin, Sink, Port, Connector, Link, Codec, Processor, Spec
//	setting    how flows write what they set: durations, sizes, secrets, queues, TLS
//	link       Receive, the way in through processors and codec, the way back
//	outlet     the way out: queues, and who writes them
//	histogram  how long things take, counted
//	encode     events as frames
//	topic      who has subscribed to what, and what was said about it
//	session    whose connections there are
//	jsontext   JSON texts as values, read as far as somebody looks
//	valuekey   values as keys of tables
//	pipeline   steps, conditions, edges with several targets
//	graph      what is connected to what, as data
//	wiring     ports connected as the graph says, and taps for who looks on
//	tap        copies of events for who looks on, without secrets
//	telemetry  what is counted, and the ways of some events, for a collector
//	listen     sockets, TLS and HTTP routes, shared by address
//	engine     builds all of it, starts, supervises, drains
//	flowtest   suites that every connector, codec and processor passes
//
// # What always holds
//
// Each of these has tests, which are named here.
//
// 1. Nothing is acknowledged before it is delivered or taken by a declared
// holding point (a connection's queue, a window, a batch). What is held leaves
// before those end whom it can go to, or it is counted as lost.
//
//	runtime/pipeline  TestEdge  TestFanOut  TestChain  TestLostResults
//	runtime/engine    TestADrainWaitsForWhatIsQueued  TestWhatACutDrainLosesIsCounted
//	runtime/engine    TestWindowsOfServersCloseBeforeTheGoodbye  TestWindowsOfTargetsCloseLast  TestWhatIsHeldAtAHardStopIsLost  TestAResultThatNobodyTakes
//	connectors/file   TestFullDisk  TestHalfAWriteIsTakenBack
//	connectors/ws     TestAnswersComeBeforeTheGoodbye
//
// 2. Bytes and slices belong to the caller again when a call returns.
//
//	runtime/flowtest  TestCodecs  TestProcessors  TestSuitesFindWhatIsBroken
//	codecs            TestContract
//	runtime/jsontext  TestLargeIsNotShared
//	runtime/flow      TestHeldLazyIsAnother
//
// 3. A link has one reader and at most one writer at a time; order is kept
// within a link and direction.
//
//	runtime/link      TestReaderAndOthersWriteInOrder  TestDirectSendersWaitForTheConnection
//	connectors/ws     TestEchoesFragmentsInOrder  TestManyClients
//	tests/acceptance  TestAThousandClients
//
// 4. Every wait ends with its context, and nothing leaks a goroutine.
//
//	runtime/engine    TestMain  TestDrainTimeout  TestAConnectorThatDoesNotEnd  TestBackingOffIsVisibleAndEndsAtOnce
//	runtime/link      TestMain
//	runtime/listen    TestMain  TestHalfOpenConnectionsTimeOut
//	connectors/ws     TestMain  TestClientLeavesABusyServer
//
// 5. Nothing has effects before all flows are checked, and nothing is
// half-started.
//
//	runtime/engine    TestNothingIsHalfStarted  TestAddressInUse
//	connectors/file   TestPrepareChangesNothing
//	tests/cli         TestScripts
//
// 6. An event returns along its Origin, or to the peer that the flow named, or
// it fails visibly; it never reaches another connection.
//
//	runtime/link      TestRepliesGoBackToTheirConnection  TestAddressing  TestUnionAnswersEachOnce  TestReplyToAVanishedClientIsCountedAndToldOnce  TestUnionWithGoneConnections  TestALaneThatEndsTakesNothing
//	connectors/ws     TestPerConnectsEachClient
//	tests/acceptance  TestAThousandClients  TestClientsThatVanish  TestWindowByCount  TestWindowByTime  TestRelayConnections
//
// 7. No queue is unbounded, and no connection waits for another. Nor does anything
// wait for who listens to what happens, and nothing is told of the delivery of that.
//
//	runtime/feed      TestWhoIsSlowLosesAndDelaysNobody
//	runtime/admin/stream  TestWhoTakesNothing
//	runtime/engine    TestNothingIsToldOfItsDelivery
//	runtime/topic     TestHistoryIsBounded
//	runtime/link      TestASlowClientMissesNothingOfTheHistory
//	runtime/link      TestOverflow  TestMoreAtOnceThanTheQueueHolds  TestBroadcastDoesNotWaitForASlowClient
//	runtime/pipeline  TestOutboxIsBounded  TestResultsAreSentForAll  TestWindowProblems
//	connectors/ws     TestSlowConsumerIsDisconnected  TestBroadcastWithAClientThatDoesNotRead  TestPerRefusesOneTooMany
//	runtime/admin/look  TestAClientThatReadsNothing
//	tests/acceptance  TestAdminSlowClients  TestStalledReaders  TestEndlessLine  TestZipBomb  TestHalfOpenHandshakes
//
// 8. Sensitive values appear in no log, error or page.
//
//	runtime/setting   TestSecretIsNeverShown
//	runtime/tap       TestPeersAreRedacted  TestPayloadsAreRedacted
//	runtime/endpoint  TestURL
//	flows             TestSecretsStaySecret
//	runtime/access    TestRefusalsHideCredentials  TestToken
//
// And the hot path allocates nothing per event:
//
//	runtime/link      TestEchoAllocatesNothing
//	runtime/pipeline  TestNoAllocations
//	runtime/pipeline/step  TestAllocationsOnMessages
//	codecs            TestJSONAllocations
//	runtime/jsontext  TestAllocations
package runtime
