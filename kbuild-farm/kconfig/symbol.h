/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * kconfig/symbol.h - Kconfig entries of requested symbols.
 *
 * The parser reads only a part of Kconfig's language
 * (Documentation/kbuild/kconfig-language.rst): the statements that determine
 * which entries can set a symbol, and on which other symbols the symbol
 * depends.  Expressions are stored as text.
 */
#ifndef KCONFIG_SYMBOL_H
#define KCONFIG_SYMBOL_H

#include "base/buf.h"
#include "base/spellcheck.h"
#include "base/str.h"

enum kconfig_symbol_type {
	KCONFIG_SYMBOL_UNKNOWN,
	KCONFIG_SYMBOL_BOOL,
	KCONFIG_SYMBOL_TRISTATE,
	KCONFIG_SYMBOL_INT,
	KCONFIG_SYMBOL_HEX,
	KCONFIG_SYMBOL_STRING,
};

/*
 * A `config NAME` entry; a symbol can have several.  Conditions are NULL if
 * absent.
 */
struct kconfig_symbol_entry {
	char *file; /* relative to the tree */
	/* dependencies of the entry and of the enclosing menus and ifs */
	char *depends;
	/* without a prompt, only defaults and selects set the symbol */
	bool has_prompt;
	char *prompt_condition;
	size_t choice_number; /* number of the enclosing choice, or 0 */
	struct strv ranges; /* "LOW HIGH" or "LOW HIGH if CONDITION" */
};

/* A `select NAME` or `imply NAME` in another symbol's entry. */
struct kconfig_symbol_select {
	char *selector; /* the selecting symbol */
	/* condition including the dependencies of `selector`, or NULL */
	char *condition;
	bool weak;
	bool incomplete; /* the parser has not finished the selector's entry */
};

struct kconfig_symbol {
	char *name; /* without CONFIG_ */
	enum kconfig_symbol_type type;
	struct kconfig_symbol_entry *entries;
	size_t n_entries;
	struct kconfig_symbol_select *selects;
	size_t n_selects;
	/*
	 * If the symbol has no entry: the most similar name of another symbol,
	 * or NULL if no name is similar.  Only the first hundred symbols
	 * without an entry get a similar name.
	 */
	char *similar_name;
	/* other architectures that have the symbol, if it has no entry */
	struct strv other_archs;
};

struct kconfig_symbols {
	const char *srcarch; /* borrowed */
	/* one symbol for each requested name, in the same order */
	struct kconfig_symbol *v;
	size_t n;
	struct strv *choice_members; /* members of choice i are at [i - 1] */
	size_t n_choices;
	/* files read or searched for, relative to the tree */
	struct strv files;
	/*
	 * the parser cannot find all entries: a `source` statement names a
	 * missing file, or a macro computes a name
	 */
	bool incomplete;
};

/*
 * Read the entries of the symbols `names` (without CONFIG_) from the Kconfig of
 * `tree` with the given $(SRCARCH).  Returns 0, or -ENOENT if the tree has no
 * Kconfig; other missing files are skipped.  The caller releases `out`, also
 * after an error.
 */
int kconfig_symbols_read(struct kconfig_symbols *out, const char *tree,
			 const char *srcarch, const struct strv *names);
void kconfig_symbols_release(struct kconfig_symbols *all);

#endif
