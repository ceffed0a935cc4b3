# SPDX-License-Identifier: GPL-2.0-or-later
# Concurrent local compiles of late units.

== The result of a cancelled job is ignored.
farm nodes 2 local-slots 1; up a 2; unit 1; scanned 1; heartbeat 1 a 20; 5 s
	node a up | scan 1 | send 1 a | - | -
1 s
	hedge 1
hedge-done 1
	cancel 1 a; deliver 1 local NODE_SLOW;
	node a resting: x.c finished sooner on the build host: each job gets 0 % of a core on average
result 1 a

== Progress and output postpone a hedge.
farm nodes 2 local-slots 1; up a 2; unit 1; scanned 1; heartbeat 1 a 20; 4 s
	node a up | scan 1 | send 1 a | - | -
heartbeat 1 a 30; 4 s
# A heartbeat with less CPU time is no progress.
output 1 a; heartbeat 1 a 30; 1 s; heartbeat 1 a 20; 1 s; 1 s
	- | - | - | - | - | hedge 1

== A heartbeat without additional CPU time is no progress.
farm nodes 2 local-slots 1; up a 2; unit 1; scanned 1; heartbeat 1 a 20; 4 s
	node a up | scan 1 | send 1 a | - | -
heartbeat 1 a 20; 1 s; 1 s
	- | - | hedge 1

== A hedged job that its node never started counts as a fault of the node.
farm nodes 2 local-slots 1; up a 2; unit 1; scanned 1; 10 s
	node a up | scan 1 | send 1 a | -
1 s; hedge-done 1
	hedge 1 | cancel 1 a; deliver 1 local NODE_SLOW;
	node a resting: x.c finished sooner on the build host

== The first result of a hedged unit wins.
farm nodes 2 local-slots 1; up a 2; unit 1; scanned 1; 11 s
	node a up | scan 1 | send 1 a | hedge 1
result 1 a
	stop-hedge 1; verify 1 a
# The slot of the hedge is free again.
unit 2 reason CPATH
	compile 2 CPATH
# A failed job waits for its hedge or another node.
gone 2; unit 3; scanned 3; 11 s; failed 3 a busy
	local-done 2 CPATH | scan 3 | send 3 a | hedge 3 | -
hedge-done 3 NODE_SLOW
	compile 3 NODE_SLOW

== A hedge continues while its unit is sent to another node.
farm nodes 2 local-slots 1; up a 2; up b 1; unit 1; scanned 1; 11 s
	node a up | node b up | scan 1 | send 1 a | hedge 1
failed 1 a busy
	send 1 b
failed 1 b unsupported
	stop-hedge 1; compile 1 OPTION_REFUSED

== A hedge that succeeds during a second scan is delivered.
farm nodes 2 local-slots 1; up a 2; unit 1; scanned 1; 11 s; failed 1 a input
	node a up | scan 1 | send 1 a | hedge 1 | scan 1
hedge-done 1; scanned 1; gone 1
	deliver 1 local NODE_SLOW retries 1 | - | -

== A unit whose hedge fails during a second scan runs locally.
farm nodes 2 local-slots 1; up a 2; unit 1; scanned 1; 11 s; failed 1 a input
	node a up | scan 1 | send 1 a | hedge 1 | scan 1
hedge-done 1 TERMINAL
	compile 1 TERMINAL
gone 1; scanned 1
	local-done 1 TERMINAL retries 1 | -
unit 2; scanned 2; 11 s; unit 3 reason CPATH; failed 2 a input
	scan 2 | send 2 a | hedge 2 | - | scan 2
hedge-done 2 TERMINAL
	compile 2 TERMINAL
scanned 2; gone 2
	- | local-done 2 TERMINAL retries 1; compile 3 CPATH

== A hedge that did not start is tried again.
farm nodes 2 local-slots 1; up a 2; unit 1; scanned 1; 11 s; hedge-failed 1
	node a up | scan 1 | send 1 a | hedge 1 | -
1 s
	hedge 1
result 1 a; hedge-failed 1; gone 1; hedge-failed 1; hedge-failed 9
	stop-hedge 1; verify 1 a | - | - | - | -

== A unit has at most one hedge.
farm nodes 1 local-slots 2; up a 2; unit 1; scanned 1; 11 s
	node a up | scan 1 | send 1 a | hedge 1
20 s

== A hedge waits for a local slot that no other unit needs.
farm nodes 2 local-slots 1; up a 2; unit 1; scanned 1; unit 2 reason CPATH
	node a up | scan 1 | send 1 a | compile 2 CPATH
unit 3 reason CPATH; 11 s; gone 2
	- | - | local-done 2 CPATH; compile 3 CPATH
gone 3; 1 s
	local-done 3 CPATH | hedge 1

== A unit that waits for a second node is hedged, too.
farm nodes 2 local-slots 1; up a 1; up b 1; slots b 1 1; unit 1; scanned 1
	node a up | node b up | - | scan 1 | send 1 a
failed 1 a busy; 11 s
	- | hedge 1
hedge-done 1
	deliver 1 local NODE_SLOW retries 1

== An exclusive unit stays on a node that makes progress.
farm nodes 2 local-slots 1; up a 2; unit 1 exclusive; scanned 1
	node a up | scan 1 | send 1 a
heartbeat 1 a 20; 4 s; heartbeat 1 a 30; 4 s; heartbeat 1 a 40; 4 s
result 1 a 50; verified 1 valid
	verify 1 a | deliver 1 a

== An exclusive unit without progress is compiled locally instead.
farm nodes 2 local-slots 1; up a 1; unit 1 exclusive; scanned 1
	node a up | scan 1 | send 1 a
-- The job makes no progress for 6 s.
heartbeat 1 a 20; 6 s
	- | cancel 1 a;
	node a resting: a job made no progress: each job gets 0 % of a core on average;
	compile 1 NODE_SLOW
result 1 a; gone 1
	- | local-done 1 NODE_SLOW
-- The job can start within 10 s.
10 s
-- The job does not start for 11 s.
11 s
	cancel 1 a; node a resting: a job made no progress; compile 1 NODE_SLOW
result 1 a; gone 1
	- | local-done 1 NODE_SLOW
-- The unit waits for a second node for 11 s.
up b 1; slots b 1 1; failed 1 a busy; 11 s
	node b up | - | - | compile 1 NODE_SLOW
result 1 a; gone 1
	- | local-done 1 NODE_SLOW retries 1
-- No local slot is free.
unit 2 reason CPATH; 20 s
	compile 2 CPATH | -
-- A local slot becomes free.
unit 2 reason CPATH; 20 s; gone 2; 1 s
	compile 2 CPATH | - | local-done 2 CPATH | cancel 1 a;
	node a resting: a job made no progress; compile 1 NODE_SLOW
result 1 a; gone 1
	- | local-done 1 NODE_SLOW

== A job with a core of its own is hedged unless a unit waits while all cores are busy.
farm nodes 1 local-slots 1; up a 1; unit 1 cost 1000; scanned 1
	node a up | scan 1 | send 1 a
-- The last unit.
heartbeats a 15 990
	hedge 1
-- Another unit waits.
unit 2 cost 1000; scanned 2; heartbeats a 30 990
	scan 2 | - | -
-- A drained node gets no other unit.
drain a; heartbeats a 15 990
	node a draining | hedge 1

== The actual duration of a stopped hedge counts, not the predicted one.
farm nodes 1 local-slots 1; up a 1; unit 1 cost 15000; scanned 1
	node a up | scan 1 | send 1 a deadline 120000 ms
heartbeats a 65 990; gone 1
	hedge 1 | cancel 1 a; stop-hedge 1
600 s; unit 2 cost 15000; scanned 2; heartbeats a 65 0 990
	- | scan 2 | send 2 a deadline 120000 ms | hedge 2
