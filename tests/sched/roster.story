# SPDX-License-Identifier: GPL-2.0-or-later
# Nodes that are added, removed and retried during a build.

== A node that is added is dialed and gets units.
farm nodes 1 local-slots 1; up a 1; unit 1; scanned 1; unit 2; scanned 2
	node a up | scan 1 | send 1 a | scan 2 | -
added b
	dial b
? farm
	running 1; queued 1; remote 1; undecided 1; slots 1
fit b 3
	node b up
? farm
	running 1; queued 1; remote 1; slots 4
sandbox b 0 ready
	send 2 b
added c
	dial c
lost c no-hello
	node c down: connection closed
result 2 b; verified 2 valid
	verify 2 b | deliver 2 b
? b
	up; slots 3; jobs 1

== A build without nodes uses the first node that is added.
farm nodes 0 local-slots 1; unit 1
	compile 1 NO_NODES
added a
	dial a
up a 2
	node a up
unit 2; scanned 2
	scan 2 | send 2 a

== Many nodes are added while units run.
# A node contains a list head, so it must not move; 40 nodes exceed the initial
# capacity.
farm nodes 1 local-slots 1; up a 2; unit 1; scanned 1; unit 2; scanned 2
	node a up | scan 1 | send 1 a | scan 2 | send 2 a
added b; added c; added d; added e; added f; added g; added h; added i
	dial b | dial c | dial d | dial e | dial f | dial g | dial h | dial i
added j; added k; added l; added m; added n; added o; added p; added q
	dial j | dial k | dial l | dial m | dial n | dial o | dial p | dial q
added r; added s; added t; added u; added v; added w; added x; added y
	dial r | dial s | dial t | dial u | dial v | dial w | dial x | dial y
added z; added A; added B; added C; added D; added E; added F; added G
	dial z | dial A | dial B | dial C | dial D | dial E | dial F | dial G
added H; added I; added J; added K; added L; added M; added N
	dial H | dial I | dial J | dial K | dial L | dial M | dial N
toolchain 1 ready; unit 3 toolchain 1; scanned 3
	- | scan 3 | -
lost a
	node a down: connection closed
up z 9
	node z up; send 1 z; send 2 z

== The units of a removed node finish.
farm nodes 2 local-slots 1; up a 2; up b 1; unit 1; scanned 1; unit 2
	node a up | node b up | scan 1 | send 1 a | scan 2
scanned 2
	send 2 b
removed a
	node a removed: no longer configured
? farm
	running 2; remote 2; slots 1
unit 3; scanned 3
	scan 3 | -
result 1 a
	disconnect a; verify 1 a
verified 1 valid
	deliver 1 a
? a
	removed; slots 2; jobs 1; text: no longer configured
result 2 b
	verify 2 b; send 3 b
result 3 b; verified 3 valid; gone 1; gone 2; gone 3
	verify 3 b | deliver 3 b | - | - | -
# The removal is final.
100 s; resume a; drain a; retry a; removed a; 200 s

== An idle node is removed at once.
farm nodes 2 local-slots 1; up a 2; removed a
	node a up | node a removed: no longer configured; disconnect a
# Canaries and probes are not units.
fit b 2; slots b 2 1
	node b up | -
removed b
	node b removed: no longer configured; disconnect b
? farm
	all 0
unit 1
	compile 1 NODES_DOWN

== A removed node that is down is not dialed again.
farm nodes 2 local-slots 1; lost a no-hello; removed a
	node a down: connection closed | node a removed: no longer configured
removed b
	node b removed: no longer configured; disconnect b
100 s; ? next
	- | never

== A removed node that is lost loses its units at once.
farm nodes 2 local-slots 1; up a 2; up b 2; unit 1; scanned 1; removed a
	node a up | node b up | scan 1 | send 1 a |
	node a removed: no longer configured
lost a
	node a removed: connection closed; send 1 b
100 s
	hedge 1
? a
	removed; slots 2; errors 1; retries 1; text: connection closed

== A drained node can be removed.
farm nodes 1 local-slots 1; up a 2; drain a
	node a up | node a drained
removed a
	node a removed: no longer configured; disconnect a

== A retry immediately dials a node that is down.
farm nodes 1 local-slots 1; lost a no-hello; 2 s; lost a no-hello; 3 s
	node a down: connection closed | dial a |
	node a down: connection closed | dial a
lost a no-hello
	node a down: connection closed
retry a; retry a
	dial a | -
fit a 2; retry a
	node a up | -

== A retry dials an excluded node like a new one.
farm nodes 1 local-slots 1; lost a permanent
	node a out: connection closed
retry a
	node a down; dial a
fit a 2
	node a up
# Another machine need not pass the probation of the old one.
lost a; retry a; lost a no-hello; 2 s; fit a 2
	node a down: connection closed | dial a |
	node a down: connection closed | dial a | node a up
