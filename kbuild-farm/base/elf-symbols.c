/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/elf-symbols.h"

#include "base/elf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct symbols {
	struct elf_file f;
	char *letter; /* of each section: what nm calls a local symbol there */
	struct bytes table, names;
	size_t entry; /* bytes of one */
};

/* decode_section_type() of binutils' bfd/syms.c; '-': it is not loaded. */
static char letter_of_section(const struct elf_file *f, const uint8_t *sh)
{
	uint64_t flags = ELF_FIELD(f, sh, Shdr, sh_flags);
	bool bits = ELF_FIELD(f, sh, Shdr, sh_type) != SHT_NOBITS;

	if (flags & SHF_EXECINSTR)
		return 't';
	if ((flags & SHF_ALLOC) && bits)
		return flags & SHF_WRITE ? 'd' : 'r';
	if (!bits)
		return 'b';
	return flags & SHF_WRITE ? '?' : 'n';
}

static char letter_of_symbol(const struct symbols *s, const uint8_t *sym)
{
	unsigned info = (unsigned)ELF_FIELD(&s->f, sym, Sym, st_info);
	unsigned at = (unsigned)ELF_FIELD(&s->f, sym, Sym, st_shndx);
	char c;

	if (at == SHN_COMMON)
		return 'C';
	if (ELF64_ST_TYPE(info) == STT_GNU_IFUNC)
		return 'i';
	if (ELF64_ST_BIND(info) == STB_WEAK)
		return ELF64_ST_TYPE(info) == STT_OBJECT ? 'V' : 'W';
	if (ELF64_ST_BIND(info) == STB_GNU_UNIQUE)
		return 'u';
	c = at == SHN_ABS ? 'a' : at >= s->f.sections.n ? '?' : s->letter[at];
	return ELF64_ST_BIND(info) == STB_GLOBAL ? (char)toupper(c) : c;
}

/* What a section header says is its content. */
static bool take_content(const struct symbols *s, const uint8_t *sh,
			 struct bytes *out)
{
	uint64_t at = ELF_FIELD(&s->f, sh, Shdr, sh_offset);
	uint64_t size = ELF_FIELD(&s->f, sh, Shdr, sh_size);

	if (at > s->f.content.len || size > s->f.content.len - at)
		return false;
	*out = bytes_of(s->f.content.data + at, size);
	return true;
}

static int find_symbol_table(struct symbols *s)
{
	unsigned n = s->f.sections.n, names = 0;
	uint8_t sh[ELF_ENTRY];
	bool found = false;

	s->entry = s->f.wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	if (s->f.sections.size !=
	    (s->f.wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)))
		return n ? -ENOEXEC : -ENODATA;
	s->letter = xmalloc(n + 1);
	for (unsigned i = 0; i < n; i++) {
		if (!elf_entry(&s->f, &s->f.sections, i, sh))
			return -ENOEXEC;
		s->letter[i] = letter_of_section(&s->f, sh);
		if (ELF_FIELD(&s->f, sh, Shdr, sh_type) != SHT_SYMTAB)
			continue;
		found = true;
		names = (unsigned)ELF_FIELD(&s->f, sh, Shdr, sh_link);
		if (!take_content(s, sh, &s->table))
			return -ENOEXEC;
	}
	if (!found)
		return -ENODATA;
	if (!elf_entry(&s->f, &s->f.sections, names, sh) ||
	    !take_content(s, sh, &s->names) || !s->names.len ||
	    s->names.data[s->names.len - 1])
		return -ENOEXEC;
	return 0;
}

static int tell_symbols(const struct symbols *s, elf_symbol_each *each,
			void *ctx)
{
	for (size_t at = 0; at + s->entry <= s->table.len; at += s->entry) {
		const uint8_t *sym = s->table.data + at;
		uint64_t name = ELF_FIELD(&s->f, sym, Sym, st_name);
		unsigned type = ELF64_ST_TYPE(
			ELF_FIELD(&s->f, sym, Sym, st_info));
		struct elf_symbol out = {
			.size = ELF_FIELD(&s->f, sym, Sym, st_size),
		};

		if (!out.size || type == STT_SECTION || type == STT_FILE ||
		    ELF_FIELD(&s->f, sym, Sym, st_shndx) == SHN_UNDEF)
			continue;
		if (name >= s->names.len)
			return -ENOEXEC;
		out.name = (const char *)s->names.data + name;
		out.type = letter_of_symbol(s, sym);
		each(ctx, &out);
	}
	return 0;
}

static int read_mapped(struct bytes content, elf_symbol_each *each, void *ctx)
{
	struct symbols s = { 0 };
	int ret = -ENOEXEC;

	if (elf_open_bytes(&s.f, content))
		ret = find_symbol_table(&s);
	if (!ret)
		ret = tell_symbols(&s, each, ctx);
	free(s.letter);
	return ret;
}

int elf_symbols_read(const char *path, elf_symbol_each *each, void *ctx,
		     struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret;
	struct stat st;
	void *map = MAP_FAILED;

	if (fd < 0 || fstat(fd, &st)) {
		ret = err_errno(err, "%s", path);
		goto out;
	}
	if (S_ISREG(st.st_mode) && st.st_size > 0)
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
			   0);
	ret = map == MAP_FAILED ?
		      -ENOEXEC :
		      read_mapped(bytes_of(map, (size_t)st.st_size), each, ctx);
	if (ret)
		err_set(err, -ret, "%s: %s", path,
			ret == -ENODATA ? "no symbols in it (stripped)" :
					  "not an ELF file");
out:
	if (map != MAP_FAILED)
		munmap(map, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	return ret;
}
