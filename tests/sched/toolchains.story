# SPDX-License-Identifier: GPL-2.0-or-later
# Toolchains and object formats that are not ready.

== A unit waits for its toolchain and its object format.
farm nodes 2 local-slots 1; up a 2; unit 1 toolchain 1 format 1
	node a up | -
toolchain 1 ready; format 1 ready
	- | scan 1
unit 2 toolchain 1 format 9; format 9 unusable
	- | compile 2 UNKNOWN_OBJECT
unit 3 toolchain 2; toolchain 2 unusable NOT_IDENTIFIED; gone 2
	- | - | local-done 2 UNKNOWN_OBJECT; compile 3 NOT_IDENTIFIED
unit 4 toolchain 2; gone 3
	- | local-done 3 NOT_IDENTIFIED; compile 4 NOT_IDENTIFIED

== A unit waits until its toolchain is identified, however long this takes.
farm nodes 1 local-slots 1; up a 1; unit 1 toolchain 1; 100 s
	node a up | - | -
toolchain 1 ready
	scan 1

== Waiting units run locally when the compiler changes.
farm nodes 1 local-slots 3; up a 1; unit 1; unit 2; unit 3; unit 4; unit 5
	node a up | scan 1 | scan 2 | scan 3 | scan 4 | -
scanned 1; scanned 2
	send 1 a | -
toolchain 0 unusable COMPILER_CHANGED
	compile 2 COMPILER_CHANGED; compile 5 COMPILER_CHANGED
# The running job continues, but its result is not used.
result 1 a; verified 1 valid
	verify 1 a | compile 1 COMPILER_CHANGED

== Local slots are used while the toolchain is uploaded.
farm nodes 1 local-slots 2; fit a 4; sandbox a 0 requested; unit 1; unit 2
	node a up | - | scan 1 | scan 2
unit 3; unit 4; unit 5; scanned 1; scanned 2
	scan 3 | scan 4 | scan 5 | - | -
1000 ms; 1 ms
	- | compile 1 TOOLCHAIN_SHIPPING; compile 2 TOOLCHAIN_SHIPPING
sandbox a 0 uploading; scanned 3; sandbox a 0 ready
	- | - | send 3 a
gone 1
	local-done 1 TOOLCHAIN_SHIPPING

== Units that are not scanned use local slots during an upload, too.
farm nodes 1 local-slots 1; up a 1; unit 1; unit 2; unit 3; unit 4
	node a up | scan 1 | scan 2 | - | -
sandbox a 0 uploading
	compile 3 TOOLCHAIN_SHIPPING
scanned 1; gone 3
	- | local-done 3 TOOLCHAIN_SHIPPING; compile 1 TOOLCHAIN_SHIPPING

== A hedged unit does not wait for the upload of its toolchain.
farm nodes 2 local-slots 2; up a 1; fit b 1; sandbox b 0 uploading; unit 1
	node a up | node b up | - | scan 1
scanned 1; 11 s
	send 1 a | hedge 1
lost a
	node a down: connection closed
hedge-failed 1
	compile 1 TOOLCHAIN_SHIPPING

== Units with an unverified toolchain are not sent.
farm nodes 2 local-slots 1; up a 2; toolchain 0 unverified; unit 1
	node a up | - | -
2 s
toolchain 0 ready; unit 2; toolchain 0 unverified; scanned 2
	scan 1 | scan 2 | - | -
toolchain 0 ready
	send 2 a
unit 3; scanned 3; toolchain 0 unverified; unit 4; gone 1
	scan 3 | send 3 a | - | - | -
toolchain 0 unusable COMPILER_CHANGED
	compile 4 COMPILER_CHANGED

== Results are held until an unverified toolchain is rechecked.
farm nodes 1 local-slots 1; up a 4; unit 1; scanned 1; unit 2; scanned 2
	node a up | scan 1 | send 1 a | scan 2 | send 2 a
unit 3; scanned 3; result 1 a; result 2 a; result 3 a; toolchain 0 unverified
	scan 3 | send 3 a | verify 1 a | verify 2 a | verify 3 a | -
verified 2 valid; verified 1 wrong; verified 3 valid; gone 3
toolchain 0 ready
	node a resting: wrong result: no ELF; deliver 2 a;
	compile 1 WRONG_ANSWERS

== Results of an unusable toolchain are not used.
farm nodes 2 local-slots 1; up a 4; unit 1; scanned 1; unit 2; scanned 2
	node a up | scan 1 | send 1 a | scan 2 | send 2 a
result 1 a; result 2 a; toolchain 0 unverified; verified 1 valid
	verify 1 a | verify 2 a | - | -
toolchain 0 unusable COMPILER_CHANGED
	compile 1 COMPILER_CHANGED
verified 2 wrong; gone 1
	- | local-done 1 COMPILER_CHANGED; compile 2 COMPILER_CHANGED
