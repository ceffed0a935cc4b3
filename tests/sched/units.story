# SPDX-License-Identifier: GPL-2.0-or-later
# Units that run on a node.

== A unit is scanned, sent to a node, verified and delivered.
farm nodes 2 local-slots 1; up a 2; unit 1
	node a up | scan 1
scanned 1
	send 1 a
output 1 a; heartbeat 1 a 100; result 1 a 200; verified 1 valid
	- | - | verify 1 a | deliver 1 a
gone 1

== Among equally fast nodes, the smallest share of used slots decides.
farm nodes 2 local-slots 1; up a 2; up b 4; unit 1; unit 2
	node a up | node b up | scan 1 | scan 2
scanned 1; scanned 2
	send 1 a | send 2 b
# Node a uses 1 of 2 slots, and node b uses 1 of 4.
unit 3; scanned 3
	scan 3 | send 3 b
unit 4; scanned 4; unit 5; scanned 5
	scan 4 | send 4 a | scan 5 | send 5 b

== Units are sent in the order of their arrival.
farm nodes 1 local-slots 4; up a 1; unit 1; unit 2; unit 3; scanned 1
	node a up | scan 1 | scan 2 | scan 3 | send 1 a
scanned 3; scanned 2; result 1 a
	- | - | verify 1 a; send 2 a
failed 2 a busy
	send 3 a; compile 2 NODES_BUSY

== A unit that was returned by a node is sent before younger units.
farm nodes 3 local-slots 4; up a 1; up b 1; unit 1; unit 2; unit 3; unit 4
	node a up | node b up | scan 1 | scan 2 | scan 3 | scan 4
unit 5; scanned 1; scanned 2; scanned 3; scanned 4; scanned 5
	scan 5 | send 1 a | send 2 b | - | - | -
lost a; lost b
	node a down: connection closed | node b down: connection closed
up c 5
	node c up; send 1 c; send 2 c; send 3 c; send 4 c; send 5 c

== A slot that the node uses for other jobs is not free.
farm nodes 1 local-slots 1; up a 2; slots a 2 1; unit 1; scanned 1; unit 2
	node a up | - | scan 1 | send 1 a | scan 2
scanned 2
? a
	up; slots 2; running 2
slots a 2 0
	send 2 a
slots a 1 0; unit 3; scanned 3; result 1 a
	- | scan 3 | - | verify 1 a
result 2 a
	verify 2 a; send 3 a

== Running units keep their slots when the node has fewer of them.
farm nodes 1 local-slots 1; up a 2; unit 1; scanned 1; unit 2; scanned 2
	node a up | scan 1 | send 1 a | scan 2 | send 2 a
slots a 1 0; unit 3; scanned 3; result 1 a
	- | scan 3 | - | verify 1 a
result 2 a
	verify 2 a; send 3 a
# Additional slots are used at once.
unit 4; scanned 4
	scan 4 | -
slots a 3 0
	send 4 a

== Units are scanned ahead of time for as many slots as the nodes have.
farm nodes 2 local-slots 1; up a 1; unit 1; unit 2; unit 3
	node a up | scan 1 | scan 2 | -
scanned 1; scanned 2
	send 1 a | -
result 1 a
	verify 1 a; send 2 a; scan 3

== No more units are scanned than there are workers.
farm nodes 1 local-slots 9 max-scans 1 undialed; toolchain 0 ready
	dial a
format 0 ready; up a 9; unit 1; unit 2
	- | node a up | scan 1 | -
scanned 1; gone 2; unit 3
	send 1 a; scan 2 | - | -
scanned 2
	scan 3

== Units of different toolchains are scanned in the order of their arrival.
farm nodes 1 local-slots 1; toolchain 1 ready; format 2 ready; up a 1
	- | - | node a up
sandbox a 1 ready; unit 1; unit 2; unit 3 toolchain 1 format 2; unit 4
	- | scan 1 | scan 2 | - | -
scanned 1; scanned 2
	send 1 a | -
gone 1
	cancel 1 a; send 2 a; scan 3
scanned 3; gone 2
	- | cancel 2 a; send 3 a; scan 4

== The deadline and the hedge of a unit follow the CPU time of previous units.
farm nodes 2 local-slots 1; up a 2; unit 1; scanned 1 bytes 1048576
	node a up | scan 1 | send 1 a
result 1 a 8000; verified 1 valid; unit 2
	verify 1 a | deliver 1 a | scan 2
scanned 2 bytes 1048576; 15 s
	send 2 a deadline 63936 ms | -
2 s
	hedge 2
# The CPU time per byte is the average of both results.
result 2 a 100
	stop-hedge 2; verify 2 a
verified 2 valid; unit 3; scanned 3 bytes 104857600
	deliver 2 a | scan 3 | send 3 a deadline 5877888 ms

== The counts show the state of each unit.
farm nodes 3 local-slots 1; up a 2; up b 2; unit 1; scanned 1; result 1 a 70
	node a up | node b up | scan 1 | send 1 a | verify 1 a
verified 1 valid; unit 2; scanned 2; unit 3; unit 4 reason CPATH
	deliver 1 a | scan 2 | send 2 a | scan 3 | compile 4 CPATH
unit 5 toolchain 1; failed 2 a node
	- | send 2 b
? farm
	running 2; queued 2; remote 1; local 1; undecided 1; slots 4;
	local-slots 1
gone 4; gone 5; 11 s; hedge-done 2
	local-done 4 CPATH | - | hedge 2 | cancel 2 b;
	deliver 2 local NODE_SLOW retries 1;
	node b resting: x.c finished sooner on the build host
? a
	up; slots 2; jobs 1; errors 1; retries 1
