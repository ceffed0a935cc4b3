# SPDX-License-Identifier: GPL-2.0-or-later
# Draining and resuming of nodes.

== The units of a draining node finish, and it gets no other units.
farm nodes 2 local-slots 1; up a 3; up b 1; unit 1; scanned 1; unit 2
	node a up | node b up | scan 1 | send 1 a | scan 2
scanned 2; unit 3; scanned 3
	send 2 b | scan 3 | send 3 a
? farm
	running 3; remote 3; slots 4
drain a
	node a draining
? farm; ? a
	running 3; remote 3; slots 1 | draining; slots 3; running 2
# Unit 4 waits for node b, whose slot is in use.
unit 4; scanned 4
	scan 4 | -
result 1 a
	verify 1 a
result 3 a
	node a drained; verify 3 a
? a
	drained; slots 3
verified 3 valid
	deliver 3 a
result 2 b
	verify 2 b; send 4 b

== An idle node is drained at once.
farm nodes 1 local-slots 1; up a 2; drain a
	node a up | node a drained
drain a; resume a; resume a
	- | node a up | -
unit 1; scanned 1
	scan 1 | send 1 a

== Units run locally when all nodes are drained.
farm nodes 2 local-slots 1; up a 1; up b 1; unit 1; scanned 1; unit 2
	node a up | node b up | scan 1 | send 1 a | scan 2
scanned 2; unit 3; scanned 3; unit 4; drain a
	send 2 b | scan 3 | - | - | node a draining
# Unit 3 is ready, and unit 4 must be scanned; there is one local slot.
drain b; unit 5
	node b draining; compile 3 NODES_DRAINED | -
gone 3
	local-done 3 NODES_DRAINED; compile 4 NODES_DRAINED
gone 4
	local-done 4 NODES_DRAINED; compile 5 NODES_DRAINED
result 1 a
	node a drained; verify 1 a
verified 1 valid
	deliver 1 a

== The reason of a local compile is that of the remaining nodes.
farm nodes 2 local-slots 1; up a 1; unfit b; drain a; unit 1
	node a up | node b unfit: no namespaces | node a drained |
	compile 1 NODES_DRAINED
gone 1; lost a; unit 2
	local-done 1 NODES_DRAINED | node a drained: connection closed |
	compile 2 NODES_UNFIT
gone 2; lost b; unit 3
	local-done 2 NODES_UNFIT | node b down: connection closed |
	compile 3 NODES_DOWN

# The remaining node lacks the toolchain.
farm nodes 2 local-slots 1; up a 1; fit b 1; sandbox b 0 none; drain a; unit 1
	node a up | node b up | - | node a drained | compile 1 NO_TOOLCHAIN

== Waiting units are sent to a node that is resumed.
farm nodes 2 local-slots 1; up a 2; fit b 1; sandbox b 0 uploading; unit 1
	node a up | node b up | - | scan 1
scanned 1; drain a; unit 2; unit 3; unit 4; unit 5
	send 1 a | node a draining | scan 2 | scan 3 | compile 4 NODE_SLOW | -
# While the toolchain is uploaded to node b, the local slot runs one unit.
? a
	draining; slots 2; running 1
? farm
	running 2; queued 3; remote 1; local 1; slots 1; local-slots 1
scanned 2; resume a; scanned 3
	- | node a up; send 2 a; scan 5 | -
result 1 a
	verify 1 a; send 3 a

== A unit that waits for a local slot is sent to a node that is resumed.
# Such units stay local because their order is fixed.
farm nodes 1 local-slots 1; up a 2; drain a; unit 1; unit 2; resume a
	node a up | node a drained | compile 1 NODES_DRAINED | - | node a up;
	scan 2
gone 1
	local-done 1 NODES_DRAINED
unit 3; scanned 3
	scan 3 | send 3 a

== A node that is down is drained when it connects.
farm nodes 1 local-slots 1; lost a no-hello
	node a down: connection closed
drain a
	node a drained: connection closed
unit 1
	compile 1 NODES_DOWN
2 s
	dial a
lost a no-hello
	node a drained: connection closed
4 s
	dial a
fit a 2; sandbox a 0 ready
	node a drained | -
? a
	drained; slots 2
gone 1; unit 2
	local-done 1 NODES_DOWN | compile 2 NODES_DRAINED
resume a
	node a up
unit 3; scanned 3
	scan 3 | send 3 a

== A drained node is not counted as undecided.
farm nodes 1 local-slots 1 undialed; ? farm
	undecided 1
drain a
	node a drained; dial a
? farm
	all 0
toolchain 0 ready; format 0 ready; unit 1
	- | - | compile 1 NODES_DOWN
resume a
	node a connecting
? farm
	running 1; local 1; undecided 1; local-slots 1

== The units of a draining node that is lost are sent to another node.
farm nodes 2 local-slots 1; up a 2; up b 2; unit 1; scanned 1; drain a
	node a up | node b up | scan 1 | send 1 a | node a draining
lost a
	node a draining: connection closed; node a drained: connection closed;
	send 1 b
resume a
	node a down: connection closed

== The upload of a toolchain continues on a drained node.
farm nodes 1 local-slots 1; fit a 2; sandbox a 0 uploading; unit 1; unit 2
	node a up | - | scan 1 | scan 2
unit 3; scanned 1
	scan 3 | compile 1 TOOLCHAIN_SHIPPING
drain a; scanned 2
	node a drained | -
gone 1
	local-done 1 TOOLCHAIN_SHIPPING; compile 2 NODES_DRAINED
sandbox a 0 ready; resume a
	- | node a up
scanned 3
	send 3 a

== A drained node is not probed before it is resumed.
farm nodes 1 local-slots 1; up a 2; lost a; 2 s; fit a 2
	node a up | node a down: connection closed | dial a |
	node a resting: connection closed; probe a
probe-done a impossible; drain a; 100 s; ? next
	- | node a drained: connection closed | - | never
resume a
	node a resting: connection closed; probe a
# A drain also ends a probation.
drain a
	node a drained: connection closed
probe-done a passed
	node a drained
resume a
	node a up

== A connection with exhausted ids is renewed when its node is drained.
farm nodes 1 local-slots 1; up a 2; unit 1; scanned 1; ids-exhausted a
	node a up | scan 1 | send 1 a | -
drain a
	node a draining
2 s; result 1 a
	- | node a drained; reconnect a; verify 1 a; dial a
fit a 2
	node a drained

== A node whose only jobs are canaries is drained at once.
farm nodes 1 local-slots 1; up a 2; slots a 2 1; drain a
	node a up | - | node a drained
slots a 2 0; resume a
	- | node a up
