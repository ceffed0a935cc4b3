/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * report/sizes.h - how large what a build made is, and what of that changed
 * since the one before it.
 */
#ifndef REPORT_SIZES_H
#define REPORT_SIZES_H

#include "report/data.h"

struct report_size {
	struct history_size now, was; /* borrowed; `was` if is_known */
	bool is_elf; /* text, data and bss are known */
	bool is_known; /* the build before has it as well, */
	bool is_new; /* or it does not, but has others */
	/* Bytes more: of text, data and bss, else of the file. */
	int64_t change;
};

struct report_sizes {
	/* vmlinux and images, then what changed most, then the largest. */
	struct report_size *v;
	size_t n;
	bool compared; /* with a build before */
	size_t n_changed;
	/* Of the build before, and no more made; borrowed. */
	const struct history_size **gone;
	size_t n_gone;
};

/* `d` must stay. */
void report_sizes_init(struct report_sizes *out, const struct report_data *d);
void report_sizes_release(struct report_sizes *s);

#endif
