/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * shell/cells.h - a word while it is expanded: its bytes, which of them are
 * quoted, and where it may be split.
 */
#ifndef SHELL_CELLS_H
#define SHELL_CELLS_H

#include "base/arena.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A byte, or a mark of no width where quotes begin or end. */
#define SHELL_CELL_QUOTED 0x100
#define SHELL_CELL_MARK   0x200

/* What was expanded outside of quotes; `nul_only`: "$@", split at its NULs. */
struct shell_region {
	size_t begin, end;
	bool nul_only;
};

struct shell_cells {
	struct arena *arena; /* all of it lies there */
	uint16_t *v;
	size_t n, cap;
	struct shell_region *regions; /* by their begin */
	size_t n_regions, regions_cap;
};

void shell_cells_put(struct shell_cells *c, uint16_t cell);
void shell_cells_add(struct shell_cells *c, const char *text, size_t len,
		     bool quoted);
void shell_cells_region(struct shell_cells *c, size_t begin, bool nul_only);
/* Back to `n` cells. */
void shell_cells_cut(struct shell_cells *c, size_t n);

/* From `begin` to `end` as a string in the arena. */
char *shell_cells_text(const struct shell_cells *c, size_t begin, size_t end);
/* As a pattern: what is quoted has a backslash where it needs one. */
char *shell_cells_pattern(const struct shell_cells *c, size_t begin,
			  size_t end);
/* May a name of a file come of it: is there a * ? [ outside of quotes? */
bool shell_cells_special(const struct shell_cells *c, size_t begin, size_t end);

/*
 * Split by `ifs`, NULL: it is not set.  `add` hears each field.  Where regions
 * meet, dash has rules of its own.
 */
void shell_cells_split(const struct shell_cells *c, const char *ifs,
		       void (*add)(void *at, size_t begin, size_t end),
		       void *at);

#endif
