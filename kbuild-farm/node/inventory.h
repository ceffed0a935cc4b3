/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * node/inventory.h - what this machine has, as its HELLO says; the rest is in
 * node/machine.h.  `root` stands before every path: "" but in tests.
 */
#ifndef NODE_INVENTORY_H
#define NODE_INVENTORY_H

#include "wire/msg.h"

/* Fills all but `compilers` and `slots`; wire_inventory_release() it. */
void node_inventory_collect(struct wire_inventory *inv, const char *root);
/* The two figures that change: MiB available, load average times 1000. */
void node_inventory_load(uint32_t *available_mib, uint32_t *load_milli,
			 const char *root);
/* What a line of /proc/meminfo says ("MemTotal"), in MiB; 0: no such line. */
uint32_t node_inventory_mib(const char *root, const char *name);

#endif
