# SPDX-License-Identifier: GPL-2.0-or-later
# Jobs that fail, results that are wrong and inputs that change.

== A failed job is repeated on another node or locally, according to its class.
farm nodes 2 local-slots 1; up a 2; up b 2; unit 1; scanned 1
	node a up | node b up | scan 1 | send 1 a
-- The node does not support the job.
failed 1 a unsupported
	compile 1 OPTION_REFUSED
-- The result is void.
failed 1 a void
	compile 1 RESULT_VOID
-- An input is missing.
failed 1 a input
	scan 1
scanned 1; failed 1 a input
	send 1 a | compile 1 INPUT_MISSING
-- The node lacks the toolchain.
failed 1 a toolchain
	send 1 b
failed 1 b toolchain
	compile 1 NO_TOOLCHAIN
-- The node is busy.
failed 1 a busy
	send 1 b
failed 1 b busy
	compile 1 NODES_BUSY
-- The job exceeds its deadline.
failed 1 a deadline
	send 1 b
failed 1 b deadline
	compile 1 NODE_SLOW
-- The node is at fault.
failed 1 a node
	node a resting: out of disk; send 1 b
failed 1 b node
	node b resting: out of disk; compile 1 NODES_FAILED

== A unit is tried on at most three nodes.
farm nodes 4 local-slots 1; up a 1; up b 1; up c 1; up d 1; unit 1; scanned 1
	node a up | node b up | node c up | node d up | scan 1 | send 1 a
failed 1 a busy; failed 1 b busy; failed 1 c busy
	send 1 b | send 1 c | compile 1 NODES_BUSY
gone 1
	local-done 1 NODES_BUSY retries 2

== A busy node gets no unit until it accepts jobs again.
farm nodes 1 local-slots 1; up a 2; unit 1; unit 2; unit 3; scanned 1; scanned 2
	node a up | scan 1 | scan 2 | scan 3 | send 1 a | send 2 a
scanned 3; failed 1 a busy 1000; ? next; 999 ms; 1 ms
	- | - | in 1000 ms | - | send 1 a
result 2 a; verified 2 valid
	verify 2 a; send 3 a | deliver 2 a

== A node that is always busy gets a unit three times.
farm nodes 1 local-slots 1; up a 1; unit 1; scanned 1
	node a up | scan 1 | send 1 a
failed 1 a busy 1000; 1000 ms; failed 1 a busy 1000; 1000 ms
	- | send 1 a | - | send 1 a
failed 1 a busy 1000
	compile 1 NODES_BUSY

== Only FAIL BUSY makes a node busy.
farm nodes 1 local-slots 1; up a 1; unit 1; scanned 1; failed 1 a node 1000
	node a up | scan 1 | send 1 a | node a resting: out of disk;
	compile 1 NODES_FAILED

== A busy node is tried again after five seconds at the latest.
farm nodes 1 local-slots 1; up a 1; unit 1; scanned 1; failed 1 a busy 60000; 4999 ms; 1 ms
	node a up | scan 1 | send 1 a | - | - | send 1 a

== A busy node that is connected again accepts jobs.
farm nodes 1 local-slots 1; up a 1; unit 1; scanned 1; failed 1 a busy 60000
	node a up | scan 1 | send 1 a | -
lost a; 2 s; fit a 1; sandbox a 0 ready; probe-done a passed
	node a down: connection closed; compile 1 NODES_BUSY | dial a |
	node a resting: connection closed; probe a | - | node a up

== A returned unit waits for a node that has not tried it.
farm nodes 2 local-slots 2; up a 1; up b 1; unit 1; unit 2; unit 3; scanned 1
	node a up | node b up | scan 1 | scan 2 | scan 3 | send 1 a
scanned 2; failed 1 a busy
	send 2 b | -
scanned 3; failed 3 a busy
	send 3 a | -
result 2 b
	verify 2 b; send 1 b
lost b
	node b down: connection closed; compile 1 NODE_LOST;
	compile 3 NODES_BUSY

== A unit that could not be sent goes to another node.
farm nodes 2 local-slots 1; up a 2; up b 2; unit 1; scanned 1
	node a up | node b up | scan 1 | send 1 a
# No other job runs on the node, so the dispatcher reconnects at once, but it
# delays the dial.
send-failed 1 a MANY_NAMES; 999 ms; 1 ms
	reconnect a; send 1 b | - | dial a
send-failed 1 b MANY_OPTIONS; send-failed 1 b MANY_OPTIONS
	compile 1 MANY_OPTIONS | -

== The units of a stale sandbox are scanned again.
farm nodes 1 local-slots 1; up a 2; unit 1; scanned 1; sandbox a 0 stale
	node a up | scan 1 | send 1 a | cancel 1 a; compile 1 NO_TOOLCHAIN

farm nodes 2 local-slots 1; up a 2; unit 1; scanned 1; sandbox a 0 stale
	node a up | scan 1 | send 1 a | cancel 1 a; scan 1
sandbox a 0 requested; scanned 1; sandbox a 0 ready
	- | - | send 1 a

== A unit whose inputs change repeatedly runs locally.
farm nodes 2 local-slots 1; up a 2; toolchain 1 ready; sandbox a 1 ready
	node a up | - | -
unit 1; unit 2 toolchain 1; scanned 1; scanned 2; result 1 a
	scan 1 | scan 2 | send 1 a | send 2 a | verify 1 a
verified 1 changed
	scan 1
scanned 1; result 1 a; verified 1 changed
	send 1 a | verify 1 a | scan 1
# The other unit uses another sandbox.
scanned 1; sandbox a 0 stale
	send 1 a | cancel 1 a; compile 1 INPUTS_CHANGE
result 2 a
	verify 2 a

== The units of a lost node are sent to another node.
farm nodes 2 local-slots 1; up a 2; up b 2; unit 1; unit 2; unit 3; scanned 1
	node a up | node b up | scan 1 | scan 2 | scan 3 | send 1 a
scanned 2; scanned 3; lost a
	send 2 b | send 3 a | node a down: connection closed; send 1 b
result 2 b
	verify 2 b; send 3 b
lost a; result 1 a; heartbeat 1 a 10; output 1 a; failed 1 a busy

== A wrong result is a fault of the node, and the unit goes to another node.
farm nodes 2 local-slots 1; up a 2; up b 2; unit 1; scanned 1; result 1 a
	node a up | node b up | scan 1 | send 1 a | verify 1 a
verified 1 wrong
	node a resting: wrong result: no ELF; send 1 b
result 1 b; verified 1 wrong
	verify 1 b | node b resting: wrong result: no ELF;
	compile 1 WRONG_ANSWERS

== A unit with an unusable result runs locally.
farm nodes 2 local-slots 1; up a 2; unit 1; scanned 1; result 1 a
	node a up | scan 1 | send 1 a | verify 1 a
verified 1 unusable COMPILE_ERROR
	compile 1 COMPILE_ERROR

== A known-answer test without a result is repeated after a minute.
farm nodes 1 local-slots 1; up a 2; lost a; 2 s; fit a 2
	node a up | node a down: connection closed | dial a |
	node a resting: connection closed; probe a
59999 ms; 1 ms; probe-done a passed
	- | probe a | node a up
