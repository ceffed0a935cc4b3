# SPDX-License-Identifier: GPL-2.0-or-later
# Backups: a second job of a unit on another node.

== A backup is a second job of a unit on another node.
farm nodes 3 local-slots 2; up a 1 classes 1 1024; up b 1 classes 1 1024; expected 9
	node a up | node b up | -
# The costs of earlier units determine how many backups are possible.
unit 8 cost 60000; scanned 8; unit 9 cost 60000; scanned 9; failed 8 a void; failed 9 b void; gone 8; gone 9
	scan 8 | send 8 a deadline 480000 ms | scan 9 |
	send 9 b deadline 480000 ms | compile 8 RESULT_VOID |
	compile 9 RESULT_VOID | local-done 8 RESULT_VOID |
	local-done 9 RESULT_VOID

-- A late unit gets a backup, and the first result wins.
unit 1 cost 1000; scanned 1; 3 s
	scan 1 | send 1 a | send 1 b backup
heartbeat 1 a 900
? b
	up; slots 1; running 1
result 1 b; verified 1 valid
	cancel 1 a; verify 1 b | deliver 1 b

-- The result of the first node cancels the backup.
unit 1 cost 1000; scanned 1; 3 s; result 1 a; verified 1 valid
	scan 1 | send 1 a | send 1 b backup | cancel 1 b; verify 1 a |
	deliver 1 a

-- If the node of the first job is lost, the backup continues.
unit 1 cost 1000; scanned 1; 3 s; lost a; result 1 b; verified 1 valid
	scan 1 | send 1 a | send 1 b backup | node a down: connection closed |
	verify 1 b | deliver 1 b

-- If both jobs fail, the build host compiles the unit.
unit 1 cost 1000; scanned 1; 3 s; failed 1 a node; failed 1 b busy
	scan 1 | send 1 a | send 1 b backup | node a resting: out of disk |
	compile 1 NODE_SLOW

-- If a backup cannot be sent, the first job continues.
unit 1 cost 1000; scanned 1; 3 s; send-failed 1 b MANY_OPTIONS; result 1 a
	scan 1 | send 1 a | send 1 b backup | - | verify 1 a

-- A backup that is late, too, gets a hedge.
unit 1 cost 1000; scanned 1; 3 s; 9 s; 9 s
	scan 1 | send 1 a | send 1 b backup | - | hedge 1

-- An exclusive unit gets no backup.
unit 1 cost 1000 exclusive; scanned 1; 3 s; 4 s
	scan 1 | send 1 a | - | -

-- A unit gets no backup while another unit needs the slot.
unit 1 cost 1000; unit 2 cost 3000; scanned 1; scanned 2; 3 s
	scan 1 | scan 2 | send 1 a | send 2 b | -

-- Second jobs get at most 20 s and a twentieth of the core time.
600 s; unit 1 cost 60000; scanned 1; heartbeats a 300 990
	- | scan 1 | send 1 a deadline 480000 ms | -

-- The core time of both nodes pays for a backup after 400 s.
unit 1 cost 60000; scanned 1; heartbeats a 420 990
	scan 1 | send 1 a deadline 480000 ms |
	send 1 b backup deadline 480000 ms

-- The last unit gets a backup on a faster core although it is not late.
drain a; drain b; up c 1 classes 1 256; unit 1 cost 5000; scanned 1; resume a; 2 s
	node a drained | node b drained | node c up | scan 1 |
	send 1 c deadline 160000 ms | node a up |
	send 1 a backup deadline 40000 ms

-- A unit whose toolchain is rechecked gets no backup.
unit 1 cost 1000; scanned 1; toolchain 0 unverified; 3 s
	scan 1 | send 1 a | - | -

-- All jobs of a unit are cancelled when its wrapper exits.
unit 1 cost 1000; scanned 1; 3 s; gone 1
	scan 1 | send 1 a | send 1 b backup | cancel 1 a; cancel 1 b

== The actual duration of a backup counts, not the predicted one.
farm nodes 2 local-slots 1; up a 1 classes 1 1024; up b 1 classes 1 1024
	node a up | node b up
unit 1 cost 15000; scanned 1; heartbeats a 35 990; gone 1
	scan 1 | send 1 a deadline 120000 ms |
	send 1 b backup deadline 120000 ms | cancel 1 a; cancel 1 b
unit 2 cost 15000; scanned 2; heartbeats b 35 0 990
	scan 2 | send 2 b deadline 120000 ms |
	send 2 a backup deadline 120000 ms

== A backup needs a free core.
farm nodes 2 local-slots 1; up a 1 classes 1 1024; up b 2 classes 1 1024
	node a up | node b up
unit 1 cost 1000; scanned 1; unit 2 cost 60000; scanned 2; 3 s
	scan 1 | send 1 a | scan 2 | send 2 b deadline 480000 ms | -

== A job on a second node gets a backup only after two seconds.
farm nodes 3 local-slots 1; up a 1 classes 1 1024; up b 1 classes 1 1024
	node a up | node b up
unit 1 cost 1000; scanned 1; heartbeats a 2 990; failed 1 a busy
	scan 1 | send 1 a | - | send 1 b
up c 1 classes 1 1024; 1 s
	node c up | -
1 s
	send 1 c backup
