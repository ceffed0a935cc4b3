# SPDX-License-Identifier: GPL-2.0-or-later
# Programs that fail on nodes only.

== A compiler is disabled on a node after three units that fail only there.
farm nodes 2 local-slots 9; up a 9; up b 9; drain b; unit 1; unit 2; unit 3; unit 4
	node a up | node b up | node b drained | scan 1 | scan 2 | scan 3 |
	scan 4
scanned 1; scanned 2; scanned 3; scanned 4; result 1 a; result 2 a; result 3 a
	send 1 a | send 2 a | send 3 a | send 4 a | verify 1 a | verify 2 a |
	verify 3 a
verified 1 unusable COMPILE_ERROR failed compiler; gone 1 compiled
	compile 1 COMPILE_ERROR | local-done 1 COMPILE_FAILED
verified 2 unusable COMPILE_ERROR failed compiler; gone 2 compiled
	compile 2 COMPILE_ERROR | local-done 2 COMPILE_FAILED
verified 3 unusable COMPILE_ERROR failed compiler; gone 3 compiled; ? farm
	compile 3 COMPILE_ERROR | disabled compiler a 3;
	local-done 3 COMPILE_FAILED | running 1; remote 1
-- A new unit runs locally.
unit 5
	compile 5 COMPILER_DISABLED
-- A new unit runs on the other node.
resume b; ? farm; unit 5; scanned 5
	node b up | running 1; remote 1; slots 9 | scan 5 | send 5 b
-- A unit in flight succeeds, which enables the compiler again.
result 4 a; verified 4 valid; ? farm; unit 5; scanned 5
	verify 4 a | disabled compiler a 0; deliver 4 a | slots 9 | scan 5 |
	send 5 a

== An error in the source does not count.
farm nodes 1 local-slots 9; up a 9; unit 1; unit 2; unit 3; unit 4
	node a up | scan 1 | scan 2 | scan 3 | scan 4
scanned 1; scanned 2; scanned 3; scanned 4; result 1 a; result 2 a; result 3 a; result 4 a
	send 1 a | send 2 a | send 3 a | send 4 a | verify 1 a | verify 2 a |
	verify 3 a | verify 4 a
verified 1 unusable COMPILE_ERROR failed compiler; gone 1 compiled
	compile 1 COMPILE_ERROR | local-done 1 COMPILE_FAILED
verified 2 unusable COMPILE_ERROR failed compiler; gone 2
	compile 2 COMPILE_ERROR | local-done 2 COMPILE_ERROR
verified 3 unusable COMPILE_ERROR failed compiler; gone 3 compiled
	compile 3 COMPILE_ERROR | local-done 3 COMPILE_FAILED
verified 4 unusable COMPILE_ERROR failed compiler; gone 4
	compile 4 COMPILE_ERROR | local-done 4 COMPILE_ERROR
unit 5; scanned 5
	scan 5 | send 5 a

== A success ends the row of failures.
farm nodes 1 local-slots 9; up a 9; unit 1; unit 2; unit 3; unit 4; unit 5
	node a up | scan 1 | scan 2 | scan 3 | scan 4 | scan 5
scanned 1; scanned 2; scanned 3; scanned 4; scanned 5
	send 1 a | send 2 a | send 3 a | send 4 a | send 5 a
result 1 a; verified 1 unusable COMPILE_ERROR failed compiler; gone 1 compiled
	verify 1 a | compile 1 COMPILE_ERROR | local-done 1 COMPILE_FAILED
result 2 a; verified 2 unusable COMPILE_ERROR failed compiler; gone 2 compiled
	verify 2 a | compile 2 COMPILE_ERROR | local-done 2 COMPILE_FAILED
result 3 a; verified 3 valid
	verify 3 a | deliver 3 a
result 4 a; verified 4 unusable COMPILE_ERROR failed compiler; gone 4 compiled
	verify 4 a | compile 4 COMPILE_ERROR | local-done 4 COMPILE_FAILED
result 5 a; verified 5 unusable COMPILE_ERROR failed compiler; gone 5 compiled
	verify 5 a | compile 5 COMPILE_ERROR | local-done 5 COMPILE_FAILED
unit 6; scanned 6
	scan 6 | send 6 a

== A compiler that has failed on two nodes and succeeded on none is disabled.
farm nodes 3 local-slots 9; up a 1; up b 1; up c 1; unit 1; unit 2; unit 3; unit 4
	node a up | node b up | node c up | scan 1 | scan 2 | scan 3 | scan 4
scanned 1; scanned 2; scanned 3; scanned 4
	send 1 a | send 2 b | send 3 c | -
result 1 a; verified 1 unusable COMPILE_ERROR failed compiler; gone 1 compiled
	verify 1 a; send 4 a | compile 1 COMPILE_ERROR |
	local-done 1 COMPILE_FAILED
result 2 b; verified 2 unusable COMPILE_ERROR failed compiler; gone 2 compiled
	verify 2 b | compile 2 COMPILE_ERROR | local-done 2 COMPILE_FAILED
-- It has succeeded on the third node.
result 3 c; verified 3 valid; result 4 a
	verify 3 c | deliver 3 c | verify 4 a
verified 4 unusable COMPILE_ERROR failed compiler; gone 4 compiled; unit 5; scanned 5
	compile 4 COMPILE_ERROR | local-done 4 COMPILE_FAILED | scan 5 |
	send 5 a
-- The third node has not finished a unit.
result 4 a; verified 4 unusable COMPILE_ERROR failed compiler; gone 4 compiled; unit 5
	verify 4 a | compile 4 COMPILE_ERROR | disabled compiler all 3;
	local-done 4 COMPILE_FAILED | compile 5 COMPILER_DISABLED
added d; up d 1
	dial d | node d up
result 3 c; verified 3 valid; unit 6; scanned 6
	verify 3 c | disabled compiler all 0; deliver 3 c | scan 6 | send 6 a

== A tool is disabled, and compiles without it continue on the node.
farm nodes 1 local-slots 9; up a 9; sandbox a 0 ready both
	node a up | -
unit 1 steps object; unit 2 steps object; unit 3 steps object; unit 4 steps object
	scan 1 | scan 2 | scan 3 | scan 4
scanned 1; scanned 2; scanned 3; result 1 a; result 2 a; result 3 a
	send 1 a | send 2 a | send 3 a | verify 1 a | verify 2 a | verify 3 a
verified 1 unusable OBJTOOL_FAILED failed object; gone 1 compiled
	compile 1 OBJTOOL_FAILED | local-done 1 OBJTOOL_FAILED
verified 2 unusable OBJTOOL_FAILED failed object; gone 2 compiled
	compile 2 OBJTOOL_FAILED | local-done 2 OBJTOOL_FAILED
verified 3 unusable OBJTOOL_FAILED failed object; gone 3 compiled
	compile 3 OBJTOOL_FAILED | disabled object a 3;
	local-done 3 OBJTOOL_FAILED
scanned 4; unit 5; scanned 5; unit 6 steps symbols; scanned 6
	compile 4 STEP_DISABLED | scan 5 | send 5 a | scan 6 | send 6 a
result 6 a; verified 6 valid; result 5 a; verified 5 valid; unit 7 steps object
	verify 6 a | deliver 6 a | verify 5 a | deliver 5 a |
	compile 7 STEP_DISABLED

== A step whose output is void or not supported counts as a failure of its tool.
farm nodes 1 local-slots 9; up a 9; sandbox a 0 ready both
	node a up | -
unit 1 steps object; unit 2 steps object; unit 3 steps object
	scan 1 | scan 2 | scan 3
scanned 1; scanned 2; scanned 3; failed 1 a void; gone 1 compiled
	send 1 a | send 2 a | send 3 a | compile 1 RESULT_VOID |
	local-done 1 RESULT_VOID
failed 2 a unsupported; gone 2 compiled; failed 3 a void; gone 3 compiled
	compile 2 OPTION_REFUSED | local-done 2 OPTION_REFUSED |
	compile 3 RESULT_VOID | disabled object a 3; local-done 3 RESULT_VOID
unit 4 steps object
	compile 4 STEP_DISABLED

== A node with another address starts without failures.
farm nodes 1 local-slots 9; up a 9; unit 1; unit 2; unit 3
	node a up | scan 1 | scan 2 | scan 3
scanned 1; scanned 2; scanned 3; result 1 a; result 2 a; result 3 a
	send 1 a | send 2 a | send 3 a | verify 1 a | verify 2 a | verify 3 a
verified 1 unusable COMPILE_ERROR failed compiler; gone 1 compiled
	compile 1 COMPILE_ERROR | local-done 1 COMPILE_FAILED
verified 2 unusable COMPILE_ERROR failed compiler; gone 2 compiled
	compile 2 COMPILE_ERROR | local-done 2 COMPILE_FAILED
verified 3 unusable COMPILE_ERROR failed compiler; gone 3 compiled
	compile 3 COMPILE_ERROR | disabled compiler a 3;
	local-done 3 COMPILE_FAILED
lost a; retry a; up a 9; unit 4; scanned 4
	node a down: connection closed | disabled compiler a 0; dial a |
	node a up | scan 4 | send 4 a
