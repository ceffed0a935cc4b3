# SPDX-License-Identifier: GPL-2.0-or-later
# Failures, backoff, probation and exclusion of nodes.

== All nodes are dialed at the start of the build.
farm nodes 2 undialed; ? next
	in 0 ms
? farm
	undecided 2
time
	dial a; dial b
fit a 2
	node a up
unfit b
	node b unfit: no namespaces

== A node that was lost must pass a known-answer test.
farm nodes 1 local-slots 1; up a 2; lost a; 2 s
	node a up | node a down: connection closed | dial a
fit a 2; probe-done a impossible
	node a resting: connection closed; probe a | -
sandbox a 0 ready; 999 ms; 1 ms
	- | - | probe a
probe-done a passed
	node a up
? a
	up; slots 2; errors 1

== A node that has never been up needs no known-answer test.
farm nodes 1 local-slots 1; lost a no-hello; 2 s
	node a down: connection closed | dial a
fit a 2
	node a up

== A node with another protocol version is excluded for the whole build.
farm nodes 1 local-slots 1; lost a permanent
	node a out: connection closed
100 s; lost a; ids-exhausted a; slots a 9 0; sandbox a 0 ready
probe-done a wrong
? next; ? a
	never | out; errors 1; text: connection closed

== A node is also excluded while its connection is renewed.
farm nodes 1 local-slots 1; up a 2; ids-exhausted a; lost a
	node a up | reconnect a | -
lost a permanent; 100 s; ? a
	node a out: connection closed | - | out; slots 2; errors 1;
	text: connection closed

== An unfit node is dialed again after 10 s, 20 s and so on until it is fit.
farm nodes 1 local-slots 1; unfit a; 9999 ms; 1 ms
	node a unfit: no namespaces | - | reconnect a; dial a
# No unit waits for the reply.
unit 1; 100 s; unfit a; 19999 ms; 1 ms; fit a 2
	compile 1 NODES_UNFIT | - | - | - | reconnect a; dial a | node a up

== An unfit node whose connection is lost is dialed after a backoff.
farm nodes 1 local-slots 1; unfit a; 10 s; lost a
	node a unfit: no namespaces | reconnect a; dial a |
	node a down: connection closed
2 s; unfit a; ids-exhausted a; 1 s; unfit a; lost a
	dial a | node a unfit: no namespaces | reconnect a | dial a |
	node a unfit: no namespaces | node a down: connection closed
2 s; 100 s
	dial a | -

== A drained node that is unfit is dialed again as well.
farm nodes 1 local-slots 1; unfit a; drain a; 10 s
	node a unfit: no namespaces | node a drained: no namespaces |
	reconnect a; dial a
removed a; 100 s
	node a removed: no longer configured; disconnect a | -

== The first failure of a node with good results can be the fault of the unit.
farm nodes 1 local-slots 1; up a 3; unit 1; scanned 1; unit 2; scanned 2
	node a up | scan 1 | send 1 a | scan 2 | send 2 a
unit 3; scanned 3; result 1 a; verified 1 valid; failed 2 a node
	scan 3 | send 3 a | verify 1 a | deliver 1 a | compile 2 NODES_FAILED
? a
	up; slots 3; running 1; jobs 1; errors 1; retries 1
failed 3 a node
	node a resting: out of disk
? a
	resting; slots 3; jobs 1; errors 2; retries 2; text: out of disk

== A good result cancels an earlier failure.
farm nodes 1 local-slots 1; up a 3; unit 1; scanned 1; unit 2; scanned 2
	node a up | scan 1 | send 1 a | scan 2 | send 2 a
unit 3; scanned 3; result 1 a; verified 1 valid; failed 2 a node; result 3 a
	scan 3 | send 3 a | verify 1 a | deliver 1 a | compile 2 NODES_FAILED |
	verify 3 a
verified 3 valid; gone 2; unit 4; scanned 4; failed 4 a node
	deliver 3 a | local-done 2 NODES_FAILED retries 1 | scan 4 | send 4 a |
	compile 4 NODES_FAILED

== Running units of a node in backoff can finish.
farm nodes 1 local-slots 1; up a 3; unit 1; scanned 1; unit 2; scanned 2
	node a up | scan 1 | send 1 a | scan 2 | send 2 a
unit 3; scanned 3; failed 1 a node
	scan 3 | send 3 a | node a resting: out of disk; compile 1 NODES_FAILED
failed 3 a node
? a
	resting; slots 3; running 1; errors 2; retries 2; text: out of disk
result 2 a; verified 2 valid
	verify 2 a | deliver 2 a
? a
	resting; slots 3; jobs 1; errors 2; retries 2; text: out of disk
2 s
	probe a

== A good result ends the probation before the known-answer test ends.
farm nodes 1 local-slots 1; up a 3; unit 1; scanned 1; unit 2; scanned 2
	node a up | scan 1 | send 1 a | scan 2 | send 2 a
failed 1 a node; 2 s
	node a resting: out of disk; compile 1 NODES_FAILED | probe a
result 2 a; verified 2 valid
	verify 2 a | node a up: fewer concurrent jobs: out of disk; deliver 2 a
# The pending known-answer test still counts.
probe-done a impossible; probe-done a wrong
	- | node a resting: known answer
probe-done a wrong

== A second failure of a node in backoff counts as an error.
farm nodes 1 local-slots 1; up a 3; unit 1; scanned 1; unit 2; scanned 2
	node a up | scan 1 | send 1 a | scan 2 | send 2 a
unit 3; scanned 3; result 1 a; verified 1 valid; result 2 a; verified 2 wrong
	scan 3 | send 3 a | verify 1 a | deliver 1 a | verify 2 a |
	node a resting: wrong result: no ELF; compile 2 WRONG_ANSWERS
failed 3 a node
? a
	resting; slots 3; jobs 1; errors 2; retries 2;
	text: wrong result: no ELF
probe-done a wrong
? a
	resting; slots 3; jobs 1; errors 2; retries 2;
	text: wrong result: no ELF

== A failed known-answer test continues the backoff.
farm nodes 1 local-slots 1; up a 3; unit 1; scanned 1; failed 1 a node; 2 s
	node a up | scan 1 | send 1 a | node a resting: out of disk;
	compile 1 NODES_FAILED | probe a
probe-done a failed
	node a resting: known answer

== A node that failed gets fewer units at the same time.
farm nodes 1 local-slots 9; up a 4; unit 1; scanned 1; unit 2; scanned 2
	node a up | scan 1 | send 1 a | scan 2 | send 2 a
unit 3; scanned 3; unit 4; scanned 4; failed 1 a node; gone 1; result 2 a
	scan 3 | send 3 a | scan 4 | send 4 a | node a resting: out of disk;
	compile 1 NODES_FAILED | local-done 1 NODES_FAILED retries 1 |
	verify 2 a
verified 2 valid; result 3 a; verified 3 valid; result 4 a; verified 4 valid
	deliver 2 a | verify 3 a | deliver 3 a | verify 4 a | deliver 4 a
2 s
	probe a
probe-done a passed
	node a up: fewer concurrent jobs: out of disk
unit 5; scanned 5; unit 6; scanned 6
	scan 5 | send 5 a | scan 6 | send 6 a
# Units without a slot of the reduced window run locally.
unit 7; scanned 7
	scan 7 | compile 7 NODE_SLOW
result 5 a; verified 5 valid; gone 7; unit 8; scanned 8; result 8 a
	verify 5 a | deliver 5 a | local-done 7 NODE_SLOW | scan 8 | send 8 a |
	verify 8 a
verified 8 valid; gone 8; unit 9; scanned 9; result 9 a; verified 9 valid
	deliver 8 a | - | scan 9 | send 9 a | verify 9 a | deliver 9 a
gone 9; result 6 a; verified 6 valid
	- | verify 6 a | node a up; deliver 6 a
? a
	up; slots 4; jobs 7; errors 1; retries 1
unit 10; scanned 10; unit 11; scanned 11; unit 12; scanned 12
	scan 10 | send 10 a | scan 11 | send 11 a | scan 12 | send 12 a

== Three wrong results exclude a node.
farm nodes 1 local-slots 1; up a 3; unit 1; scanned 1; unit 2; scanned 2
	node a up | scan 1 | send 1 a | scan 2 | send 2 a
result 1 a; verified 1 wrong; 2 s; probe-done a wrong; 3 s
	verify 1 a | node a resting: wrong result: no ELF;
	compile 1 WRONG_ANSWERS | probe a | node a resting: known answer |
	probe a
probe-done a wrong
	disconnect a; node a out: known answer
? a
	out; slots 3; errors 3; retries 2; text: known answer
gone 1
	local-done 1 WRONG_ANSWERS retries 1; compile 2 NODE_LOST

== A wrong result counts even if the node is lost before the verification.
farm nodes 1 local-slots 1; up a 4; unit 1; scanned 1; unit 2; scanned 2
	node a up | scan 1 | send 1 a | scan 2 | send 2 a
unit 3; scanned 3; unit 4; scanned 4; result 1 a; result 2 a; result 3 a
	scan 3 | send 3 a | scan 4 | send 4 a | verify 1 a | verify 2 a |
	verify 3 a
result 4 a; lost a; verified 1 wrong; verified 2 wrong
	verify 4 a | node a down: connection closed | compile 1 WRONG_ANSWERS |
	-
verified 3 wrong; verified 4 wrong
	node a out: wrong result: no ELF | -

== The units of an excluded node are sent to another node.
farm nodes 2 local-slots 1; up a 4; unit 1; scanned 1; unit 2; scanned 2
	node a up | scan 1 | send 1 a | scan 2 | send 2 a
unit 3; scanned 3; unit 4; scanned 4; result 1 a; result 2 a; result 3 a
	scan 3 | send 3 a | scan 4 | send 4 a | verify 1 a | verify 2 a |
	verify 3 a
up b 9; verified 1 wrong; verified 2 wrong; verified 3 wrong
	node b up | node a resting: wrong result: no ELF; send 1 b | send 2 b |
	disconnect a; node a out: wrong result: no ELF; send 3 b; send 4 b
? a
	out; slots 4; errors 3; retries 4; text: wrong result: no ELF

== A connection with exhausted ids is renewed when no job runs on the node.
farm nodes 1 local-slots 1; up a 3; unit 1; scanned 1; slots a 3 1; 2 s
	node a up | scan 1 | send 1 a | - | -
ids-exhausted a; unit 2; scanned 2; result 1 a; verified 1 valid
	- | scan 2 | - | verify 1 a | deliver 1 a
? a
	up; slots 3; running 1; jobs 1
slots a 3 0
	reconnect a; dial a
lost a; 3 s; fit a 3; ids-exhausted a
	node a down: connection closed; compile 2 NODES_DOWN | dial a |
	node a resting: connection closed; probe a | reconnect a; dial a
ids-exhausted a
