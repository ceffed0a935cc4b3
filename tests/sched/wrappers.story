# SPDX-License-Identifier: GPL-2.0-or-later
# Wrappers that exit before their unit is done.

== A wrapper that exits ends all work for its unit.
farm nodes 2 local-slots 1; up a 1
	node a up
-- The unit is new.
unit 1 toolchain 1; gone 1; toolchain 0 ready
-- The unit is waiting to be scanned.
unit 9; unit 8; unit 1; gone 1; toolchain 0 ready
	scan 9 | scan 8 | - | - | -
-- The unit is being scanned.
unit 1; gone 1; toolchain 0 ready
	scan 1 | - | -
-- The unit is ready.
unit 9; scanned 9; unit 1; scanned 1; gone 1
	scan 9 | send 9 a | scan 1 | - | -
toolchain 0 ready
-- The unit is remote.
unit 1; scanned 1; gone 1; toolchain 0 ready
	scan 1 | send 1 a | cancel 1 a | -
-- The unit is remote and hedged.
unit 1; scanned 1; 11 s; gone 1
	scan 1 | send 1 a | hedge 1 | cancel 1 a; stop-hedge 1
toolchain 0 ready
-- The unit is being verified.
unit 1; scanned 1; result 1 a; gone 1
	scan 1 | send 1 a | verify 1 a | -
toolchain 0 ready
-- The unit is held.
unit 1; scanned 1; result 1 a; toolchain 0 unverified; verified 1 valid
	scan 1 | send 1 a | verify 1 a | - | -
gone 1; toolchain 0 ready
-- The unit is waiting for a local slot.
unit 9 reason CPATH; unit 1 reason CPATH; gone 1
	compile 9 CPATH | - | -
toolchain 0 ready
-- The unit is local.
unit 1 reason CPATH; gone 1; toolchain 0 ready
	compile 1 CPATH | local-done 1 CPATH | -
-- The unit is done.
unit 1; scanned 1; result 1 a; verified 1 valid; gone 1
	scan 1 | send 1 a | verify 1 a | deliver 1 a | -
toolchain 0 ready

== A worker can report a unit whose wrapper has exited.
farm nodes 2 local-slots 1; up a 1; unit 1; gone 1; scanned 1; unit 2
	node a up | scan 1 | - | - | scan 2
scanned 2; result 2 a; gone 2; verified 2 wrong
	send 2 a | verify 2 a | - | -
? farm
	undecided 1; slots 1
