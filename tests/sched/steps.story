# SPDX-License-Identifier: GPL-2.0-or-later
# Tool steps of a compile.

== A unit with a tool step is sent to a node that accepts it.
farm nodes 2 local-slots 1; up a 9; up b 1; sandbox b 0 ready both; unit 1
	node a up | node b up | - | scan 1
scanned 1; unit 2 steps symbols; scanned 2
	send 1 a | scan 2 | send 2 b
# Unit 3 waits for node b, and others overtake it.
unit 3 steps symbols; scanned 3
	scan 3 | -
unit 4; scanned 4
	scan 4 | send 4 a
result 2 b
	verify 2 b; send 3 b

== Units with tool steps run locally when no node accepts them any longer.
farm nodes 2 local-slots 9; up a 9; up b 1; sandbox b 0 ready both
	node a up | node b up | -
unit 1 steps symbols; scanned 1; unit 2 steps symbols; scanned 2
	scan 1 | send 1 b | scan 2 | -
-- The node is lost.
lost b
	node b down: connection closed; compile 1 NODE_LOST; compile 2 NO_STEPS
-- The node no longer accepts tool steps.
sandbox b 0 ready
	compile 2 NO_STEPS
-- The node is busy.
failed 1 b busy
	send 2 b; compile 1 NODES_BUSY
-- The node does not support the job.
failed 1 b unsupported
	send 2 b; compile 1 OPTION_REFUSED

== A unit is not sent to a node that accepts only another tool step.
farm nodes 2 local-slots 1; up a 9; up b 1; sandbox a 0 ready symbols
	node a up | node b up | -
sandbox b 0 ready both; unit 1 steps object; scanned 1
	- | scan 1 | send 1 b
unit 2 steps object; scanned 2
	scan 2 | -
unit 3 steps symbols; scanned 3
	scan 3 | send 3 a
sandbox b 0 ready symbols
	compile 2 NO_STEPS

== A unit does not wait for an upload to a node that may accept its tool step.
farm nodes 2 local-slots 1; up a 9; sandbox b 0 uploading
	node a up | -
unit 1 steps symbols
	compile 1 NO_STEPS
