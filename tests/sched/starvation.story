# SPDX-License-Identifier: GPL-2.0-or-later
# Nodes whose jobs get too little CPU time.

== The units of a node that starves its jobs are sent to another node.
farm nodes 2 local-slots 1; up a 3; unit 1; scanned 1; unit 2; scanned 2
	node a up | scan 1 | send 1 a | scan 2 | send 2 a
unit 3; scanned 3; heartbeats a 11 40 30 30; up b 5; hedge-done 1
	scan 3 | send 3 a | hedge 1 | node b up | cancel 1 a;
	deliver 1 local NODE_SLOW;
	node a resting: x.c finished sooner on the build host: each job gets 3 % of a core on average;
	cancel 2 a; cancel 3 a; send 2 b; send 3 b
2 s
	hedge 2; probe a
probe-done a passed
	node a up: fewer concurrent jobs: x.c finished sooner on the build host: each job gets 3 % of a core on average
# A hedge during the probation soon shows whether the build host is faster.
hedge-done 2
	cancel 2 b; deliver 2 local NODE_SLOW retries 1
gone 2; unit 4; scanned 4; unit 5; scanned 5; unit 6; scanned 6
	- | scan 4 | send 4 a | scan 5 | send 5 b | scan 6 | send 6 b
? a
	up; slots 3; running 1; errors 1; retries 2;
	text: fewer concurrent jobs: x.c finished sooner on the build host: each job gets 3 % of a core on average

== A slow core is not starvation.
farm nodes 2 local-slots 1; up a 3; unit 1; scanned 1; unit 2; scanned 2
	node a up | scan 1 | send 1 a | scan 2 | send 2 a
unit 3; scanned 3; heartbeats a 11 990 990 0; hedge-done 1
	scan 3 | send 3 a | hedge 1 | cancel 1 a; deliver 1 local NODE_SLOW
# A unit that has just started does not starve either.
gone 1; 1 s
	- | hedge 2
result 2 a; 1 s
	stop-hedge 2; verify 2 a | hedge 3
hedge-done 3
	cancel 3 a; deliver 3 local NODE_SLOW

== A node that has one core for five units gets one slot.
farm nodes 2 local-slots 1; up a 5; unit 1; scanned 1; unit 2; scanned 2
	node a up | scan 1 | send 1 a | scan 2 | send 2 a
unit 3; scanned 3; unit 4; scanned 4; unit 5; scanned 5
	scan 3 | send 3 a | scan 4 | send 4 a | scan 5 | send 5 a
heartbeats a 11 200 200 200 200 200; hedge-done 1
	hedge 1 | cancel 1 a; deliver 1 local NODE_SLOW;
	node a up: fewer concurrent jobs: x.c finished sooner on the build host: each job gets 20 % of a core on average
result 2 a; result 3 a; result 4 a; unit 6
	verify 2 a | verify 3 a | verify 4 a | scan 6
gone 1; scanned 6
	- | compile 6 NODE_SLOW
? a
	up; slots 5; running 1;
	text: fewer concurrent jobs: x.c finished sooner on the build host: each job gets 20 % of a core on average

== A missed deadline can reveal starvation.
farm nodes 1 local-slots 1; up a 2; unit 1 exclusive; scanned 1
	node a up | scan 1 | send 1 a
-- The job got 100 ms of CPU time per second.
heartbeats a 11 100; failed 1 a deadline
	- |
	node a resting: out of disk: each job gets 10 % of a core on average;
	compile 1 NODE_SLOW
-- The job got 900 ms of CPU time per second.
heartbeats a 11 900; failed 1 a deadline
	- | compile 1 NODE_SLOW

== A unit on a node on probation is hedged early.
farm nodes 2 local-slots 1; up a 1; unit 1; scanned 1; 11 s; hedge-done 1
	node a up | scan 1 | send 1 a | hedge 1 | cancel 1 a;
	deliver 1 local NODE_SLOW;
	node a resting: x.c finished sooner on the build host
gone 1; 2 s; probe-done a passed; unit 2; scanned 2
	- | probe a | node a up | scan 2 | send 2 a
2 s; 1 s
	- | hedge 2
hedge-done 2; gone 2; 1 s
	cancel 2 a; deliver 2 local NODE_SLOW;
	node a resting: x.c finished sooner on the build host | - | -
2 s
	probe a
probe-done a passed; unit 3; scanned 3
	node a up | scan 3 | send 3 a
result 3 a 500; verified 3 valid; gone 3
	verify 3 a | deliver 3 a | -
# After the probation, the node is treated like the others.
unit 4; scanned 4; 9 s; 1 s; 1 s
	scan 4 | send 4 a | - | - | hedge 4
