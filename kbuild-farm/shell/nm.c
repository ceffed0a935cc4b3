/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/nm.h"

#include "base/bytes.h"
#include "base/elf.h"
#include "base/str.h"
#include "shell/program.h"
#include "shell/shell.h"
#include "shell/subset.h"
#include "shell/utility.h"

#include <ctype.h>
#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Limit on the comparisons of exported names with symbols, that is, the number
 * of exported names times the number of symbols.  Above this limit, nm is
 * faster.
 */
#define COMPARISONS_MAX 1000000
#define KSYMTAB_PREFIX  "__ksymtab_"
/* Prefix of symbols in LTO code, for which nm needs a plugin. */
#define LTO_PREFIX "__gnu_lto_"

struct symbol_object {
	struct elf_file f;
	struct elf_table table; /* symbol table */
	struct bytes names; /* string table, terminated by NUL */
};

struct object_symbol {
	const char *name;
	unsigned bind, type, section;
};

/*
 * Return true if the names consist of printable ASCII, without spaces, and end
 * in NUL.  The nm implementations differ in how they print other bytes.
 */
static bool are_printable_names(struct bytes names)
{
	if (!names.len || names.data[names.len - 1])
		return false;
	for (size_t i = 0; i < names.len; i++) {
		if (names.data[i] &&
		    (names.data[i] <= ' ' || names.data[i] > '~'))
			return false;
	}
	return true;
}

/*
 * Read the symbol table whose section header is `sh`.  Returns false if it is
 * invalid or unsupported.
 */
static bool read_symbol_table(struct symbol_object *o, const uint8_t *sh)
{
	size_t size = o->f.is_64bit ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	uint8_t linked[ELF_ENTRY_MAX];
	struct bytes all;

	if (!elf_section_content(&o->f, sh, &all) ||
	    all.len / size > UINT16_MAX * 16 ||
	    ELF_FIELD(&o->f, sh, Shdr, sh_entsize) != size)
		return false;
	o->table.offset = ELF_FIELD(&o->f, sh, Shdr, sh_offset);
	o->table.entry_bytes = (unsigned)size;
	o->table.n_entries = (unsigned)(all.len / size);
	return elf_read_entry(&o->f, &o->f.sections,
			      (unsigned)ELF_FIELD(&o->f, sh, Shdr, sh_link),
			      linked) &&
	       ELF_FIELD(&o->f, linked, Shdr, sh_type) == SHT_STRTAB &&
	       elf_section_content(&o->f, linked, &o->names) &&
	       are_printable_names(o->names);
}

/*
 * Find the symbol table.  Returns false if the file is not a supported object.
 */
static bool find_symtab(struct symbol_object *o)
{
	uint8_t sh[ELF_ENTRY_MAX];
	unsigned found = 0;

	if (o->f.type != ET_REL)
		return false;
	for (unsigned i = 1; i < o->f.sections.n_entries; i++) {
		unsigned type;

		if (!elf_read_entry(&o->f, &o->f.sections, i, sh))
			return false;
		type = (unsigned)ELF_FIELD(&o->f, sh, Shdr, sh_type);
		if (type == SHT_SYMTAB_SHNDX ||
		    (type == SHT_SYMTAB &&
		     (found++ || !read_symbol_table(o, sh))))
			return false;
	}
	return found;
}

/*
 * Read symbol `i`.  Returns 1 if nm prints the symbol, 0 if not, and -1 if the
 * symbol is invalid or unsupported.
 */
static int read_symbol(const struct symbol_object *o, unsigned i,
		       struct object_symbol *out)
{
	uint8_t sym[ELF_ENTRY_MAX];
	unsigned info;
	uint64_t name;

	if (!elf_read_entry(&o->f, &o->table, i, sym))
		return -1;
	name = ELF_FIELD(&o->f, sym, Sym, st_name);
	info = (unsigned)ELF_FIELD(&o->f, sym, Sym, st_info);
	*out = (struct object_symbol){
		.bind = ELF64_ST_BIND(info),
		.type = ELF64_ST_TYPE(info),
		.section = (unsigned)ELF_FIELD(&o->f, sym, Sym, st_shndx),
	};
	if (name >= o->names.len ||
	    (out->section >= o->f.sections.n_entries &&
	     out->section != SHN_ABS && out->section != SHN_COMMON))
		return -1;
	if (out->type == STT_SECTION || out->type == STT_FILE)
		return 0;
	out->name = (const char *)o->names.data + name;
	return strncmp(out->name, LTO_PREFIX, strlen(LTO_PREFIX)) ? 1 : -1;
}

typedef enum shell_tristate object_query_fn(const struct symbol_object *o,
					    const void *what);

static enum shell_tristate query_object_file(const char *file,
					     object_query_fn *query,
					     const void *what)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	enum shell_tristate found = SHELL_TRISTATE_UNKNOWN;
	struct symbol_object o = { 0 };
	void *at = MAP_FAILED;
	struct stat st;
	size_t size = 0;

	if (fd >= 0 && !fstat(fd, &st) && S_ISREG(st.st_mode) && st.st_size) {
		size = (size_t)st.st_size;
		at = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
	}
	if (fd >= 0)
		close(fd);
	if (at == MAP_FAILED)
		return SHELL_TRISTATE_UNKNOWN;
	if (elf_open_bytes(&o.f, bytes_of(at, size)) && find_symtab(&o))
		found = query(&o, what);
	munmap(at, size);
	return found;
}

struct symbol_query {
	const char *text;
	bool is_prefix;
};

static enum shell_tristate has_matching_symbol(const struct symbol_object *o,
					       const void *what)
{
	const struct symbol_query *wanted = what;
	size_t len = strlen(wanted->text);
	enum shell_tristate found = SHELL_TRISTATE_NO;
	struct object_symbol s;

	for (unsigned i = 1; i < o->table.n_entries; i++) {
		int is = read_symbol(o, i, &s);

		if (is < 0)
			return SHELL_TRISTATE_UNKNOWN;
		if (is &&
		    (wanted->is_prefix ? !strncmp(s.name, wanted->text, len) :
					 strstr(s.name, wanted->text) != NULL))
			found = SHELL_TRISTATE_YES;
	}
	return found;
}

/*
 * Return true if check-local-export does not treat the symbol as local,
 * whichever nm it runs: the symbol is undefined, so nm prints no value, or nm
 * prints an upper-case letter for it.
 */
static bool is_certainly_global(const struct object_symbol *s)
{
	if (s->section == SHN_UNDEF)
		return true;
	return s->section != SHN_COMMON &&
	       (s->bind == STB_GLOBAL || s->bind == STB_WEAK) &&
	       (s->type == STT_NOTYPE || s->type == STT_OBJECT ||
		s->type == STT_FUNC);
}

static bool are_certainly_global(const struct symbol_object *o,
				 const char *name)
{
	struct object_symbol s;

	for (unsigned i = 1; i < o->table.n_entries; i++) {
		int is = read_symbol(o, i, &s);

		if (is < 0 ||
		    (is && !strcmp(s.name, name) && !is_certainly_global(&s)))
			return false;
	}
	return true;
}

static enum shell_tristate exports_global(const struct symbol_object *o,
					  const void *what)
{
	const size_t prefix = strlen(KSYMTAB_PREFIX);
	unsigned long work = 0;
	struct object_symbol s;

	(void)what;
	for (unsigned i = 1; i < o->table.n_entries; i++) {
		int is = read_symbol(o, i, &s);

		if (is < 0)
			return SHELL_TRISTATE_UNKNOWN;
		if (!is || strncmp(s.name, KSYMTAB_PREFIX, prefix))
			continue;
		work += o->table.n_entries;
		if (work > COMPARISONS_MAX ||
		    !are_certainly_global(o, s.name + prefix))
			return SHELL_TRISTATE_UNKNOWN;
	}
	return SHELL_TRISTATE_YES;
}

enum shell_tristate shell_object_symbols_find(const char *file,
					      const char *text, bool is_prefix)
{
	const struct symbol_query wanted = { .text = text,
					     .is_prefix = is_prefix };

	return query_object_file(file, has_matching_symbol, &wanted);
}

enum shell_tristate shell_object_symbols_check_exports(const char *file)
{
	return query_object_file(file, exports_global, NULL);
}

/*
 * The commands of shell/nm.h search the text that nm prints.  Each line has a
 * value, a letter and a name; an undefined symbol has white space in place of
 * the value.  Only a name can contain "__", so a pattern with "__" matches
 * inside the name.  If the pattern begins with a blank, it matches at the start
 * of the name.
 */

#define CHECK_SCRIPT "scripts/check-local-export"
/* Length and 64-bit FNV-1a hash of the supported script. */
#define CHECK_SCRIPT_BYTES 1778
#define CHECK_SCRIPT_FNV1A UINT64_C(0x939142d14b95294c)

/* ---------------------------------------------------------------- programs */

/*
 * Return true if the last component of `name` is nm, or ends in -nm, and the
 * program is the nm of binutils or of LLVM.  Returns false for a wrapper or for
 * the nm of another package.
 */
static bool is_supported_nm(struct shell *sh, const char *name)
{
	static const char *const texts[] = { "List symbols in [file(s)]",
					     "LLVM symbol table dumper", NULL };
	const char *base = str_base(name);
	struct shell_program p;
	struct stat st;

	return (!strcmp(base, "nm") || str_ends(base, "-nm")) &&
	       !shell_program_find(sh, name, &p) && !stat(p.path, &st) &&
	       shell_identity_check(p.path, &st, texts);
}

/*
 * Return true if `name` is awk and the program of that name is the system's
 * awk, which can be any implementation.
 */
static bool is_supported_awk(struct shell *sh, const char *name)
{
	static const char *const any[] = { NULL };
	struct shell_program p;
	struct stat st;

	return !strcmp(name, "awk") && !shell_program_find(sh, name, &p) &&
	       (!strcmp(p.path, "/usr/bin/awk") ||
		!strcmp(p.path, "/bin/awk")) &&
	       !stat(p.path, &st) && shell_identity_check(p.path, &st, any);
}

/*
 * Return true if the word needs no quotes and is neither an option nor @FILE.
 */
static bool is_unquoted_word(const char *word)
{
	return word && *word && !strchr("-@", *word) &&
	       !strpbrk(word, " \t\n*?[\\");
}

/* ---------------------------------------------------------- nm FILE | grep */

static bool redirects_stderr_to_null(const struct shell_redir *r)
{
	return r && !r->next && r->kind == SHELL_REDIR_OUTPUT &&
	       r->fd == STDERR_FILENO && r->word->literal &&
	       !strcmp(r->word->literal, "/dev/null");
}

/*
 * Return the operand of a command that has exactly one operand.  If `option` is
 * not NULL, it must precede the operand.  Returns NULL for any other command.
 */
static const char *single_operand(const struct shell_word *w,
				  const char *option)
{
	w = w->next;
	if (option) {
		if (!w || strcmp(w->literal, option))
			return NULL;
		w = w->next;
	}
	/* nm reads more arguments from @FILE. */
	return w && !w->next && !strchr("-@", *w->literal) ? w->literal : NULL;
}

static bool is_symbol_pattern(const char *pattern)
{
	const char *p = pattern + (*pattern == ' ');

	if (!strstr(p, "__"))
		return false;
	while (isalnum((unsigned char)*p) || *p == '_')
		p++;
	return !*p;
}

bool shell_nm_run_pipe(struct shell *sh, const struct shell_ast_node *pipe,
		       int *status)
{
	const struct shell_ast_node *nm = pipe->list, *grep = nm->next;
	const char *file, *pattern, *name;
	enum shell_tristate found;
	struct shell_program p;

	if (!redirects_stderr_to_null(nm->redirs) ||
	    !shell_subset_is_literal(nm) || !grep || grep->next ||
	    !shell_subset_is_literal(grep) || grep->redirs)
		return false;
	file = single_operand(nm->words, NULL);
	pattern = single_operand(grep->words, "-q");
	name = grep->words->literal;
	if (!file || !pattern || !is_symbol_pattern(pattern) ||
	    shell_utility_is_preloaded(sh) ||
	    !is_supported_nm(sh, nm->words->literal) || strcmp(name, "grep") ||
	    shell_program_find(sh, name, &p) ||
	    !shell_utility_is_system_file(p.path, name))
		return false;
	found = shell_object_symbols_find(file, pattern + (*pattern == ' '),
					  *pattern == ' ');
	*status = found == SHELL_TRISTATE_NO;
	return found != SHELL_TRISTATE_UNKNOWN;
}

/* --------------------------------------------------- check-local-export */

static bool is_supported_check_script(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	uint8_t text[CHECK_SCRIPT_BYTES + 1];
	ssize_t n;

	if (fd < 0)
		return false;
	n = read(fd, text, sizeof(text));
	close(fd);
	return n == CHECK_SCRIPT_BYTES &&
	       bytes_hash(bytes_of(text, CHECK_SCRIPT_BYTES), 0) ==
		       CHECK_SCRIPT_FNV1A &&
	       !access(path, X_OK);
}

bool shell_nm_run_export_check(struct shell *sh, char *const *argv, int *status)
{
	char *const *env;
	const char *nm, *awk;

	if (!str_ends(argv[0], "/" CHECK_SCRIPT) || !argv[1] || argv[2])
		return false;
	env = shell_program_build_env(sh, argv[0]);
	nm = str_find_env(env, "NM");
	awk = str_find_env(env, "AWK");
	if (!is_unquoted_word(argv[1]) || !is_unquoted_word(nm) || !awk ||
	    shell_utility_is_preloaded(sh) || !is_supported_nm(sh, nm) ||
	    !is_supported_awk(sh, awk) || !is_supported_check_script(argv[0]) ||
	    shell_object_symbols_check_exports(argv[1]) != SHELL_TRISTATE_YES)
		return false;
	*status = 0;
	return true;
}
