/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kernel/symbol.h - what the tree's Kconfig files say of some symbols.
 *
 * Read is as much of the language (Documentation/kbuild/kconfig-language.rst)
 * as tells who may set a symbol and on what it depends; expressions stay text.
 */
#ifndef KERNEL_SYMBOL_H
#define KERNEL_SYMBOL_H

#include "base/buf.h"
#include "base/nearest.h"
#include "base/str.h"

enum kernel_symbol_type {
	KERNEL_SYMBOL_UNKNOWN,
	KERNEL_SYMBOL_BOOL,
	KERNEL_SYMBOL_TRISTATE,
	KERNEL_SYMBOL_INT,
	KERNEL_SYMBOL_HEX,
	KERNEL_SYMBOL_STRING,
};

/* One `config NAME`; there may be several.  NULL: no condition. */
struct kernel_symbol_entry {
	char *file; /* relative to the tree */
	char *depends; /* its own, and of the menus and ifs around it */
	bool prompt; /* without one only defaults and selects set it */
	char *prompt_if;
	size_t choice; /* number of the choice that it is in, 0: none */
	struct strv range; /* "LOW HIGH", "LOW HIGH if CONDITION" */
};

/* Somebody's `select NAME` or `imply NAME`. */
struct kernel_symbol_select {
	char *by; /* a symbol */
	char *condition; /* and what `by` depends on; NULL: none */
	bool implies;
	bool open; /* its entry is still being read */
};

struct kernel_symbol {
	char *name; /* without CONFIG_ */
	enum kernel_symbol_type type;
	struct kernel_symbol_entry *entry;
	size_t n_entries;
	struct kernel_symbol_select *select;
	size_t n_selects;
	char *like; /* where there is no entry: one that has a name like it, */
	char *elsewhere; /* architectures that have it: "arm, x86"; or NULL */
};

struct kernel_symbols {
	const char *srcarch; /* borrowed */
	struct kernel_symbol *v; /* as they were asked for */
	size_t n;
	struct strv *choice; /* members of choice i at [i - 1] */
	size_t n_choices;
	struct strv files; /* that were read or looked for, below the tree */
};

/*
 * Look the symbols `names` (without CONFIG_) up in the Kconfig of `tree`, with
 * $(SRCARCH) as given.  -ENOENT where the tree has no such file, else 0; files
 * that are missing are passed over.  Release `out` in any case.
 */
int kernel_symbols_read(struct kernel_symbols *out, const char *tree,
			const char *srcarch, const struct strv *names);
void kernel_symbols_release(struct kernel_symbols *s);

#endif
