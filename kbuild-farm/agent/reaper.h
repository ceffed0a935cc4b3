/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * agent/reaper.h - the ends of processes that come to us.
 *
 * This process becomes a subreaper: the keepers of cells (cell/cell.h), and
 * whatever a process of ours leaves behind, come to us and are collected, so
 * that nothing outlives kfarmd.
 */
#ifndef AGENT_REAPER_H
#define AGENT_REAPER_H

struct agent_reaper;
struct event_base;

struct agent_reaper *agent_reaper_new(struct event_base *base);
void agent_reaper_free(struct agent_reaper *r);

/* The end: wait until no child is left, for at most `ms`. */
void agent_reaper_end(struct agent_reaper *r, unsigned ms);

#endif
