/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "shell/object.h"

#include "base/elf.h"

#include <fcntl.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Of exported names times symbols; more is slower than a program. */
#define WORK_MAX 1000000
#define EXPORTED "__ksymtab_"
/* A compiler's own code, which nm asks a plugin for. */
#define FOREIGN "__gnu_lto_"

struct object {
	struct elf_file f;
	struct elf_table table; /* the symbols */
	struct bytes names; /* ends with NUL */
};

struct symbol {
	const char *name;
	unsigned bind, type, section;
};

static bool bytes_at(const struct object *o, const uint8_t *sh,
		     struct bytes *out)
{
	uint64_t at = ELF_FIELD(&o->f, sh, Shdr, sh_offset);
	uint64_t size = ELF_FIELD(&o->f, sh, Shdr, sh_size);

	if (at > o->f.content.len || size > o->f.content.len - at)
		return false;
	*out = bytes_of(o->f.content.data + at, size);
	return true;
}

/* Some nm print other bytes in ways of their own. */
static bool are_plain(struct bytes names)
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

/* `sh` is the section with the symbols. */
static bool take_table(struct object *o, const uint8_t *sh)
{
	size_t size = o->f.wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	uint8_t linked[ELF_ENTRY];
	struct bytes all;

	if (!bytes_at(o, sh, &all) || all.len / size > UINT16_MAX * 16 ||
	    ELF_FIELD(&o->f, sh, Shdr, sh_entsize) != size)
		return false;
	o->table.at = ELF_FIELD(&o->f, sh, Shdr, sh_offset);
	o->table.size = (unsigned)size;
	o->table.n = (unsigned)(all.len / size);
	return elf_entry(&o->f, &o->f.sections,
			 (unsigned)ELF_FIELD(&o->f, sh, Shdr, sh_link),
			 linked) &&
	       ELF_FIELD(&o->f, linked, Shdr, sh_type) == SHT_STRTAB &&
	       bytes_at(o, linked, &o->names) && are_plain(o->names);
}

/* False: it is none of the objects that are known. */
static bool find_table(struct object *o)
{
	uint8_t sh[ELF_ENTRY];
	unsigned found = 0;

	if (o->f.type != ET_REL)
		return false;
	for (unsigned i = 1; i < o->f.sections.n; i++) {
		unsigned type;

		if (!elf_entry(&o->f, &o->f.sections, i, sh))
			return false;
		type = (unsigned)ELF_FIELD(&o->f, sh, Shdr, sh_type);
		if (type == SHT_SYMTAB_SHNDX ||
		    (type == SHT_SYMTAB && (found++ || !take_table(o, sh))))
			return false;
	}
	return found;
}

/* 1: *out is one that nm prints, 0: it prints none, -1: it is an odd one. */
static int read_symbol(const struct object *o, unsigned i, struct symbol *out)
{
	uint8_t sym[ELF_ENTRY];
	unsigned info;
	uint64_t name;

	if (!elf_entry(&o->f, &o->table, i, sym))
		return -1;
	name = ELF_FIELD(&o->f, sym, Sym, st_name);
	info = (unsigned)ELF_FIELD(&o->f, sym, Sym, st_info);
	*out = (struct symbol){
		.bind = ELF64_ST_BIND(info),
		.type = ELF64_ST_TYPE(info),
		.section = (unsigned)ELF_FIELD(&o->f, sym, Sym, st_shndx),
	};
	if (name >= o->names.len ||
	    (out->section >= o->f.sections.n && out->section != SHN_ABS &&
	     out->section != SHN_COMMON))
		return -1;
	if (out->type == STT_SECTION || out->type == STT_FILE)
		return 0;
	out->name = (const char *)o->names.data + name;
	return strncmp(out->name, FOREIGN, strlen(FOREIGN)) ? 1 : -1;
}

typedef enum shell_answer ask_object(const struct object *o, const void *what);

static enum shell_answer ask_content(struct bytes content, ask_object *ask,
				     const void *what)
{
	struct object o = { 0 };

	if (!elf_open_bytes(&o.f, content) || !find_table(&o))
		return SHELL_UNKNOWN;
	return ask(&o, what);
}

static enum shell_answer ask_file(const char *file, ask_object *ask,
				  const void *what)
{
	int fd = open(file, O_RDONLY | O_CLOEXEC);
	enum shell_answer answer = SHELL_UNKNOWN;
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
		return SHELL_UNKNOWN;
	answer = ask_content(bytes_of(at, size), ask, what);
	munmap(at, size);
	return answer;
}

struct wanted {
	const char *text;
	bool begins;
};

static enum shell_answer any_has(const struct object *o, const void *what)
{
	const struct wanted *wanted = what;
	size_t len = strlen(wanted->text);
	enum shell_answer answer = SHELL_NO;
	struct symbol s;

	for (unsigned i = 1; i < o->table.n; i++) {
		int is = read_symbol(o, i, &s);

		if (is < 0)
			return SHELL_UNKNOWN;
		if (is &&
		    (wanted->begins ? !strncmp(s.name, wanted->text, len) :
				      strstr(s.name, wanted->text) != NULL))
			answer = SHELL_YES;
	}
	return answer;
}

/* To nm and the script: is its letter no small one, if it has any? */
static bool is_surely_global(const struct symbol *s)
{
	if (s->section == SHN_UNDEF)
		return true;
	return s->section != SHN_COMMON &&
	       (s->bind == STB_GLOBAL || s->bind == STB_WEAK) &&
	       (s->type == STT_NOTYPE || s->type == STT_OBJECT ||
		s->type == STT_FUNC);
}

static bool are_surely_global(const struct object *o, const char *name)
{
	struct symbol s;

	for (unsigned i = 1; i < o->table.n; i++) {
		int is = read_symbol(o, i, &s);

		if (is < 0 ||
		    (is && !strcmp(s.name, name) && !is_surely_global(&s)))
			return false;
	}
	return true;
}

static enum shell_answer exports_global(const struct object *o,
					const void *what)
{
	const size_t prefix = strlen(EXPORTED);
	unsigned long work = 0;
	struct symbol s;

	(void)what;
	for (unsigned i = 1; i < o->table.n; i++) {
		int is = read_symbol(o, i, &s);

		if (is < 0)
			return SHELL_UNKNOWN;
		if (!is || strncmp(s.name, EXPORTED, prefix))
			continue;
		work += o->table.n;
		if (work > WORK_MAX || !are_surely_global(o, s.name + prefix))
			return SHELL_UNKNOWN;
	}
	return SHELL_YES;
}

enum shell_answer shell_object_names(const char *file, const char *text,
				     bool begins)
{
	const struct wanted wanted = { .text = text, .begins = begins };

	return ask_file(file, any_has, &wanted);
}

enum shell_answer shell_object_exports_global(const char *file)
{
	return ask_file(file, exports_global, NULL);
}
