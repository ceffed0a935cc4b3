/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/hello.h - the first two messages of a kfarmd.
 */
#ifndef AGENT_HELLO_H
#define AGENT_HELLO_H

#include "base/buf.h"

struct agent;

/* The body of HELLO. */
void agent_hello_put(struct buf *body, const struct agent *a);
/* That of FIT: also when no job can run; kfarm then can say what to enable. */
void agent_hello_put_fit(struct buf *body, const struct agent *a);

#endif
