# SPDX-License-Identifier: GPL-2.0-or-later
# The placement and order of units by their costs and the speed of cores.

== An expensive unit is scanned and sent before cheaper, older units.
farm nodes 1 local-slots 4 max-scans 1; up a 1 classes 1 0
	node a up
unit 1 cost 100; unit 2 cost 200; unit 3 cost 900; unit 4
	scan 1 | - | - | -
scanned 1
	send 1 a; scan 3
scanned 3
	scan 2
scanned 2
	scan 4
scanned 4
result 1 a; result 3 a; result 2 a; result 4 a
	verify 1 a; send 3 a | verify 3 a; send 2 a | verify 2 a; send 4 a |
	verify 4 a

== A unit runs on the class on which it finishes first.
farm nodes 1 local-slots 4; up a 8 classes 2 1024 4 512
	node a up
unit 1 cost 1000; unit 2 cost 1000; unit 3 cost 1000; scanned 1; scanned 2; scanned 3
	scan 1 | scan 2 | scan 3 | send 1 a class 0 | send 2 a class 0 |
	send 3 a class 1

== A unit waits for a fast core if a slow core takes even longer.
farm nodes 1 local-slots 8; up a 4 classes 1 1024 2 256
	node a up
unit 1 cost 2000; unit 2 cost 3000; unit 3 cost 8000; scanned 1; scanned 2; scanned 3
	scan 1 | scan 2 | scan 3 | send 1 a class 0 | send 2 a class 0 | -

== A unit waits for a busy node if it finishes sooner there than on an idle node.
farm nodes 2 local-slots 8; up a 2 classes 1 1024 1 1024; up b 2 classes 1 128 1 128
	node a up | node b up
unit 1 cost 1000; unit 2 cost 1000; unit 3 cost 2000; scanned 1; scanned 2; scanned 3
	scan 1 | scan 2 | scan 3 | send 1 a class 0 | send 2 a class 1 | -
# Node a has no free slot, and would finish unit 3 after 3 s, node b after 16 s.
? b
	up; slots 2
1 s; result 1 a
	- | verify 1 a; send 3 a class 0

== A unit does not wait if it finishes later on the busy node.
farm nodes 2 local-slots 8; up a 1 classes 1 1024; up b 2 classes 1 512 1 512
	node a up | node b up
unit 1 cost 5000; scanned 1; unit 2 cost 3000; scanned 2
	scan 1 | send 1 a deadline 40000 ms | scan 2 |
	send 2 b class 0 deadline 48000 ms

== A throttled class gets fewer units at once, and again more when it has cooled.
farm nodes 2 local-slots 8; up a 2 classes 1 1024 1 1024; up b 2 classes 1 512 1 512
	node a up | node b up
clock a 1 1024 200 1 1024 200
unit 1 cost 1000; scanned 1; unit 2 cost 1000; scanned 2
	scan 1 | send 1 b class 0 | scan 2 | send 2 b class 1
clock a 1 1024 1000 1 1024 0
unit 3 cost 1000; scanned 3
	scan 3 | send 3 a class 0
# A clock for other classes has no effect.
clock a 1 1024 200
unit 4 cost 1000; scanned 4
	scan 4 | send 4 a class 1

== A node does not become fast by reporting a low clock for a while.
farm nodes 2 local-slots 8; up a 1 classes 1 1024; up b 1 classes 1 1024
	node a up | node b up
unit 1 cost 20000; scanned 1; clock a 1 1024 50; 20 s; result 1 a; clock a 1 1024 1000
	scan 1 | send 1 a deadline 160000 ms | - |
	send 1 b backup deadline 160000 ms | cancel 1 b; verify 1 a | -
unit 2 cost 4000; scanned 2; unit 3 cost 2000; scanned 3
	scan 2 | send 2 a deadline 32000 ms | scan 3 | send 3 b

== The learned slowness of a class without cores survives a reconnect.
farm nodes 2 local-slots 8; up a 1 classes 0 1024; up b 1 classes 1 1024
	node a up | node b up
unit 1 cost 5000; scanned 1; 20 s; result 1 a; ids-exhausted a
	scan 1 | send 1 a deadline 40000 ms |
	send 1 b backup deadline 40000 ms | cancel 1 b; verify 1 a |
	reconnect a; dial a
unit 2 cost 5000; scanned 2; up a 1 classes 0 1024
	scan 2 | send 2 b deadline 61688 ms | node a up
unit 3 cost 5000; scanned 3
	scan 3 | send 3 a deadline 123376 ms

== Slow cores get units if there is a unit for each core.
farm nodes 2 local-slots 8; up a 1 classes 1 1024; up b 2 classes 1 256 1 256
	node a up | node b up
10 s; unit 1 cost 1000; unit 2 cost 1000; unit 3 cost 1500
	- | scan 1 | scan 2 | scan 3
9 s; scanned 1; scanned 2; scanned 3
	- | send 1 a | send 2 b class 0 deadline 32000 ms |
	send 3 b class 1 deadline 48000 ms

== Near the expected end of the build, units wait for fast cores.
farm nodes 2 local-slots 8; up a 1 classes 1 1024; up b 2 classes 1 256 1 256
	node a up | node b up
expected 40; unit 1 cost 1000; unit 2 cost 1000; unit 3 cost 1500
	- | scan 1 | scan 2 | scan 3
scanned 1; scanned 2
	send 1 a | send 2 b class 0 deadline 32000 ms
expected 3
scanned 3

== Several units that wait for a node take each other into account.
farm nodes 2 local-slots 8; up a 1 classes 1 1024; up b 2 classes 1 256 1 256
	node a up | node b up
unit 1 cost 1000; scanned 1; unit 2 cost 1000; scanned 2; unit 3 cost 1000; scanned 3
	scan 1 | send 1 a | scan 2 | - | scan 3 | -
unit 4 cost 1000; scanned 4; unit 5 cost 1000; scanned 5; unit 6 cost 1000; scanned 6
	scan 4 | send 4 b class 0 deadline 32000 ms | scan 5 |
	send 5 b class 1 deadline 32000 ms | scan 6 | -

== A unit that waits for a node is sent to another node after a delay.
farm nodes 2 local-slots 8; up a 1 classes 1 1024; up b 2 classes 1 256 1 256
	node a up | node b up
unit 1 cost 1000; scanned 1; unit 2 cost 1000; scanned 2
	scan 1 | send 1 a | scan 2 | -
? b
	up; slots 2
5 s
	send 1 b backup class 0 deadline 32000 ms;
	send 2 b class 1 deadline 32000 ms
9 s
	hedge 1
? b
	up; slots 2; running 2

== A unit that waits for a node is sent to another node when the node is lost.
farm nodes 2 local-slots 8; up a 1 classes 1 1024; up b 2 classes 1 256 1 256
	node a up | node b up
unit 1 cost 1000; scanned 1; unit 2 cost 1000; scanned 2
	scan 1 | send 1 a | scan 2 | -
lost a
	node a down: connection closed; send 1 b class 0 deadline 32000 ms;
	send 2 b class 1 deadline 32000 ms

== A node that becomes slow gets no units until its samples have decayed.
farm nodes 2 local-slots 8; up a 1 classes 1 0; up b 1 classes 1 0
	node a up | node b up
unit 1 cost 1000; scanned 1; 5 s; result 1 a; verified 1 valid; gone 1
	scan 1 | send 1 a | send 1 b backup | cancel 1 b; verify 1 a |
	deliver 1 a | -
unit 2 cost 1000; scanned 2; 1 s; result 2 b; verified 2 valid; gone 2
	scan 2 | send 2 b | - | verify 2 b | deliver 2 b | -
unit 3 cost 1000; scanned 3; 1 s; result 3 b; verified 3 valid; gone 3
	scan 3 | send 3 b | - | verify 3 b | deliver 3 b | -
unit 4 cost 1000; 99 s; scanned 4; 1 s; result 4 b; verified 4 valid; gone 4
	scan 4 | - | send 4 b | - | verify 4 b | deliver 4 b | -
# After 300 s, node a is expected to be fast again, although it got no unit.
unit 5 cost 1000; 300 s; scanned 5
	scan 5 | - | send 5 a

== The cost of a unit without history is predicted from its inputs.
farm nodes 1 local-slots 8; up a 8 classes 2 1024 4 512
	node a up
unit 1; scanned 1 bytes 1048576; 1 s; result 1 a 1000; verified 1 valid; gone 1
	scan 1 | send 1 a class 0 | - | verify 1 a | deliver 1 a | -
unit 2; unit 3; scanned 2 bytes 1048576; scanned 3 bytes 104857600
	scan 2 | scan 3 | send 2 a class 0 | send 3 a class 0 deadline 799216 ms

== A unit does not wait for a node whose slots are in use for too long.
farm nodes 2 local-slots 8; up a 1 classes 4 0; up b 4 classes 2 512 2 512
	node a up | node b up
unit 1 cost 9000; scanned 1; unit 2 cost 1000; scanned 2
	scan 1 | send 1 a deadline 72000 ms | scan 2 | send 2 b class 0

== A node whose jobs cannot be pinned has one class.
farm nodes 1 local-slots 8; up a 8 classes 6 0; unit 1 cost 1000; scanned 1
	node a up | scan 1 | send 1 a

== A unit outlives the core class to which it was sent.
farm nodes 1 local-slots 4; up a 4 classes 1 1024 1 512
	node a up
unit 1 cost 1000; unit 2 cost 1000; scanned 1; scanned 2; result 2 a
	scan 1 | scan 2 | send 1 a class 0 | send 2 a class 1 | verify 2 a
lost a; 3 s; up a 1 classes 1 1024
	node a down: connection closed; compile 1 NODE_LOST | dial a |
	node a resting: connection closed; probe a
3 s

== A unit leaves an overdue node although the best node lacks its toolchain.
farm nodes 3 local-slots 0; toolchain 1 ready
up a 1 classes 1 0; up b 1 classes 1 1024; up c 1 classes 1 512
	node a up | node b up | node c up
sandbox b 1 ready; sandbox c 1 ready
unit 1 toolchain 1 cost 1000; unit 2 toolchain 1 cost 1100
	scan 1 | scan 2
scanned 1; scanned 2
	send 1 b | -
2 s
	send 2 c
1 s

== A unit does not wait for cores that the node has no slots for.
farm nodes 2 local-slots 16; up a 1 classes 16 1024; up b 1 classes 1 256
	node a up | node b up
unit 1 cost 10000; unit 2 cost 10000; unit 3 cost 10000; unit 4 cost 10000
	scan 1 | scan 2 | scan 3 | scan 4
scanned 1; scanned 2; scanned 3; scanned 4
	send 1 a deadline 80000 ms | - | - | send 4 b deadline 320000 ms
? a; ? b
	up; slots 1; running 1 | up; slots 1; running 1

== Local units are part of the expected units.
farm nodes 2 local-slots 8; up a 1 classes 1 1024; up b 1 classes 1 256
	node a up | node b up
expected 6; unit 1 cost 1000; scanned 1; unit 2 cost 1000
	- | scan 1 | send 1 a | scan 2
unit 3 reason OPTION_REFUSED; unit 4 reason OPTION_REFUSED
	compile 3 OPTION_REFUSED | compile 4 OPTION_REFUSED
unit 5 reason OPTION_REFUSED; unit 6 reason OPTION_REFUSED
	compile 5 OPTION_REFUSED | compile 6 OPTION_REFUSED
scanned 2
1 s; result 1 a
	- | verify 1 a; send 2 a

== While all nodes are busy, a spare local slot takes the cheapest unit.
farm nodes 1 local-slots 2; local-slots 2 spare 1; up a 1 classes 1 1024
	- | node a up
10 s; unit 1 cost 3000; unit 2 cost 1000; unit 3 cost 2000
	- | scan 1 | scan 2 | scan 3
9 s; scanned 1; scanned 2; scanned 3
	- | send 1 a | compile 2 NODES_BUSY | -
? farm
	running 2; queued 1; remote 1; local 1; slots 1; local-slots 1
gone 2
	local-done 2 NODES_BUSY; compile 3 NODES_BUSY

== A spare local slot takes an expensive unit if it finishes sooner there.
farm nodes 1 local-slots 2; local-slots 2 spare 1; up a 1 classes 1 1024
	- | node a up
10 s; unit 1 cost 3000; unit 2 cost 1000; unit 3 cost 2000
	- | scan 1 | scan 2 | scan 3
9 s; scanned 1; scanned 2; scanned 3
	- | send 1 a | compile 2 NODES_BUSY | -
100 ms; gone 2
	- | local-done 2 NODES_BUSY; compile 3 NODES_BUSY
unit 4 cost 1000; scanned 4; unit 5 cost 9000; scanned 5
	scan 4 | - | scan 5 | -
100 ms; gone 3
	- | local-done 3 NODES_BUSY; compile 5 NODES_BUSY

== A spare local slot takes no unit that would prolong the build.
farm nodes 1 local-slots 2; local-slots 2 spare 1; up a 1 classes 1 1024
	- | node a up
expected 3; unit 1 cost 3000; unit 2 cost 1000; unit 3 cost 3000
	- | scan 1 | scan 2 | scan 3
1 s; scanned 1; scanned 2; 2900 ms; gone 2; scanned 3
	- | send 1 a | compile 2 NODES_BUSY | - | local-done 2 NODES_BUSY | -

== A spare local slot takes no unit of unknown cost.
farm nodes 1 local-slots 2; local-slots 2 spare 1; up a 1 classes 1 1024
	- | node a up
10 s; unit 1; unit 2; 9 s; scanned 1; scanned 2
	- | scan 1 | scan 2 | - | send 1 a | -

== A local slot that is not spare stays free while all nodes are busy.
farm nodes 1 local-slots 2; up a 1 classes 1 1024
	node a up
10 s; unit 1 cost 3000; unit 2 cost 1000; 9 s; scanned 1; scanned 2
	- | scan 1 | scan 2 | - | send 1 a | -
