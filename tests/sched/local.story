# SPDX-License-Identifier: GPL-2.0-or-later
# Local slots, local compiles and units that wait for them.

== Units that wait for a local slot are counted until they are gone.
farm nodes 2 local-slots 1; up a 2; unit 1; scanned 1; unit 2 reason CPATH
	node a up | scan 1 | send 1 a | compile 2 CPATH
unit 3 reason CPATH; unit 4 reason CPATH; unit 5 reason CPATH
? farm
	running 2; queued 3; remote 1; local 1; waiting-local 3; undecided 1;
	slots 2; local-slots 1
# The wrapper of unit 4 is killed, and the running compile ends.
gone 4; gone 2
	- | local-done 2 CPATH; compile 3 CPATH
? farm
	running 2; queued 1; remote 1; local 1; waiting-local 1; undecided 1;
	slots 2; local-slots 1
# A compile error is repeated locally, after the other units.
result 1 a; verified 1 unusable COMPILE_ERROR
	verify 1 a | -
? farm
	running 1; queued 2; local 1; waiting-local 2; undecided 1; slots 2;
	local-slots 1

== A unit that is added with a reason runs locally without a toolchain.
farm nodes 2 local-slots 1; unit 1 reason CPATH; unit 2 reason UMASK
	compile 1 CPATH | -
gone 1; gone 2
	local-done 1 CPATH; compile 2 UMASK | local-done 2 UMASK

== A scan can find a reason for a local compile.
farm nodes 2 local-slots 1; up a 2; unit 1; scanned 1 reason TIME_MACRO
	node a up | scan 1 | compile 1 TIME_MACRO

== Without nodes, all units run locally.
farm nodes 0 local-slots 1; unit 1
	compile 1 NO_NODES

farm nodes 0 local-slots 1 undialed remote-disabled; unit 1; ? next
	compile 1 NO_REMOTE | never

== A unit that no node can compile runs locally with the reason.
farm nodes 2 local-slots 1; unit 1
	scan 1
lost a no-hello
	node a down: connection closed
unfit b
	node b unfit: no namespaces
scanned 1
	compile 1 NODES_UNFIT
lost b permanent; gone 1
	node b out: connection closed | local-done 1 NODES_UNFIT
unit 2
	compile 2 NODES_DOWN
2 s; fit a 2; probe-done a passed; gone 2; sandbox a 0 none; unit 3
	dial a | node a up | - | local-done 2 NODES_DOWN | - |
	compile 3 NO_TOOLCHAIN

== Waiting units run locally when the last node is lost.
farm nodes 1 local-slots 2; unit 1; unit 2; unit 3; scanned 1
	scan 1 | scan 2 | - | -
lost a no-hello permanent
	node a out: connection closed; compile 1 NODES_DOWN;
	compile 3 NODES_DOWN
scanned 2; gone 3
	- | local-done 3 NODES_DOWN; compile 2 NODES_DOWN

== The number of local slots changes while units wait for them.
farm nodes 0 local-slots 3; unit 0; unit 1; unit 2; unit 3
	compile 0 NO_NODES | compile 1 NO_NODES | compile 2 NO_NODES | -
# The running compiles finish.
local-slots 1; gone 0
	- | local-done 0 NO_NODES
gone 1
	local-done 1 NO_NODES
gone 2; unit 4
	local-done 2 NO_NODES; compile 3 NO_NODES | -
local-slots 2
	compile 4 NO_NODES
# One slot remains, because the build cannot finish without it.
local-slots 0; gone 3; gone 4; unit 5
	- | local-done 3 NO_NODES | local-done 4 NO_NODES | compile 5 NO_NODES

== Local slots do not wait for a node that is slow to connect.
farm nodes 1 local-slots 2; unit 1; scanned 1; unit 2; scanned 2; unit 3
	scan 1 | - | scan 2 | - | -
1000 ms; 1 ms
	- | compile 1 NODES_DOWN; compile 2 NODES_DOWN; scan 3
# The other units still go to the node when it connects.
up a 2
	node a up
scanned 3
	send 3 a

== Units wait for a node on the build host, however busy it is.
farm nodes 1 local-slots 2; on-build-host a; unit 1; scanned 1; unit 2
	- | scan 1 | - | scan 2
100 s
up a 2
	node a up; send 1 a
# Only the loss of the node ends the wait.
farm nodes 1 local-slots 2; on-build-host a; unit 1; scanned 1; 100 s; lost a
	- | scan 1 | - | - | node a down: connection closed;
	compile 1 NODES_DOWN

== Units wait for a node that is up, although another does not connect.
farm nodes 2 local-slots 1; up a 1; unit 1; scanned 1; unit 2; scanned 2; 2 s
	node a up | scan 1 | send 1 a | scan 2 | - | -
# Node b does not reply, but node a has the toolchain.
result 1 a
	verify 1 a; send 2 a

== Units that wait for a local slot return to a node that is up again.
farm nodes 1 local-slots 1; up a 2; unit 1; scanned 1; unit 2; scanned 2; unit 3
	node a up | scan 1 | send 1 a | scan 2 | send 2 a | scan 3
lost a; 2 s; up a 2; 1 s; probe-done a passed
	node a down: connection closed; compile 1 NODE_LOST | dial a |
	node a resting: connection closed; probe a | - | node a up; scan 2
? farm
	running 1; queued 2; local 1; slots 2; local-slots 1

== A unit that is lost three times is compiled locally.
farm nodes 1 local-slots 1; up a 2; unit 1; scanned 1; unit 2 reason CPATH
	node a up | scan 1 | send 1 a | compile 2 CPATH
lost a; 2 s; up a 2; 9 s; probe-done a passed; scanned 1; lost a
	node a down: connection closed | dial a |
	node a resting: connection closed; probe a | - | node a up; scan 1 |
	send 1 a | node a down: connection closed
