/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sched/unit.h - one unit, from its wrapper's question to its end: the only
 * functions that change its state.  The table of all changes is in
 * sched/unit.c.
 */
#ifndef SCHED_UNIT_H
#define SCHED_UNIT_H

#include "sched/state.h"

/* A new number, UNIT_NONE; its toolchain is the caller's to set. */
struct sched_unit *sched_unit_new(struct sched *s, uint32_t number);
/* NULL: not known, or not any more. */
struct sched_unit *sched_unit_find(const struct sched *s, uint32_t number);
/* The unit that `s->by` happened to; aborts when it cannot. */
struct sched_unit *sched_unit_expect(const struct sched *s, uint32_t number);
/* For sched_free(). */
void sched_unit_free(struct sched *s, struct sched_unit *u);

/*
 * It waits for its toolchain (UNIT_NEW), to be scanned (UNIT_TO_SCAN), for a
 * node (UNIT_READY), or, with its verdict, for its toolchain again (UNIT_HELD).
 */
void sched_unit_wait(struct sched *s, struct sched_unit *u,
		     enum sched_unit_state state);
/* A worker gets it, or has ended with it. */
void sched_unit_scan(struct sched *s, struct sched_unit *u);
void sched_unit_examine(struct sched *s, struct sched_unit *u, uint32_t cpu_ms);
void sched_unit_worked(struct sched *s, struct sched_unit *u);
/* It is sent to a node; must not be answered any more. */
void sched_unit_send(struct sched *s, struct sched_unit *u,
		     struct sched_node *n);
void sched_unit_cancel(struct sched *s, struct sched_unit *u);
/* Its node gave it that much CPU time so far; false: no more than before. */
bool sched_unit_got(struct sched_unit *u, uint32_t cpu_ms);
/* Its node did not do it: another one, or here because of `why`. */
void sched_unit_retry(struct sched *s, struct sched_unit *u, enum reason why);
/* Something was missing or changed: once more from the files, or here. */
void sched_unit_again(struct sched *s, struct sched_unit *u, enum reason why);
/* To be compiled here, because of `why`; then: it gets a local slot. */
void sched_unit_local(struct sched *s, struct sched_unit *u, enum reason why);
void sched_unit_grant(struct sched *s, struct sched_unit *u);

void sched_unit_hedge(struct sched *s, struct sched_unit *u);
/* The hedge ended, or never began. */
void sched_unit_end_hedge(struct sched *s, struct sched_unit *u);
/* Its outputs are there, by its node, or by its hedge for this reason. */
void sched_unit_deliver(struct sched *s, struct sched_unit *u, enum reason why);
/* Its wrapper is gone: all that runs for it is stopped. */
void sched_unit_leave(struct sched *s, struct sched_unit *u);

#endif
