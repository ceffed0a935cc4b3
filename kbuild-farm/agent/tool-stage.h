/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/tool-stage.h - what comes into the directory of kept toolchains, and
 * what goes: both in a DIR/.live/NAME of its own (agent/kept.h).  Any thread.
 */
#ifndef AGENT_TOOL_STAGE_H
#define AGENT_TOOL_STAGE_H

#include "agent/kept.h"
#include "agent/view.h"

/* A toolchain that is being written. */
struct agent_tool_stage;

/* Removes what dead processes left, first.  -ENOSPC where `bytes` in `files`
 * are more than is free. */
int agent_tool_stage_new(const char *kept, struct agent_tool_stage **out,
			 uint64_t bytes, size_t files, struct err *err);
/* An agent_view_put_fn; paths as "/bin/gcc" are below its directory. */
int agent_tool_stage_put(void *stage, const char *path,
			 const struct wire_inode *inode, int fd,
			 struct err *err);
/*
 * All of it was written: reads it again, and gives it its name, in place of
 * what has it.  0; -EBUSY: that is in use; -EBADMSG: not what `r` says.
 */
int agent_tool_stage_publish(struct agent_tool_stage *n,
			     const struct agent_record *r, const char *json,
			     const atomic_bool *stop, struct err *err);
/* Published or not; removes what is left.  NULL is fine. */
void agent_tool_stage_free(struct agent_tool_stage *n);

/* Remove a toolchain: 0; -ENOENT; -EBUSY: somebody uses it. */
int agent_tool_stage_drop(const char *kept, const char *id, struct err *err);

#endif
