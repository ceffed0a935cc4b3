/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/elf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEGMENTS_MAX 512 /* real files have about 13 */
/* entries of the dynamic section; real files have about 40 */
#define DYNAMIC_MAX 4096
#define NEEDED_MAX  512

/* Headers */

uint64_t elf_decode_number(const struct elf_file *f, const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[f->big_endian ? n - 1 - i : i] << (8 * i);
	return v;
}

/*
 * Read up to `n` bytes.  Returns the number of bytes read.  Sets errno if a
 * read fails, and does not change it otherwise.
 */
static size_t read_up_to(const struct elf_file *f, void *out, size_t n,
			 uint64_t at)
{
	size_t done = 0;

	if (f->fd >= 0) {
		int before = errno;
		ssize_t got;

		if (at > INT64_MAX || n > INT64_MAX - at)
			return 0;
		while (done < n) {
			got = pread(f->fd, (char *)out + done, n - done,
				    (off_t)(at + done));
			if (got > 0)
				done += (size_t)got;
			else if (!got || errno != EINTR)
				break;
			else
				errno = before;
		}
		return done;
	}
	if (at >= f->content.len)
		return 0;
	if (n > f->content.len - at)
		n = f->content.len - at;
	memcpy(out, f->content.data + at, n);
	return n;
}

static bool read_at(const struct elf_file *f, void *out, size_t n, uint64_t at)
{
	return read_up_to(f, out, n, at) == n;
}

static bool read_elf_header(struct elf_file *f)
{
	uint8_t h[sizeof(Elf64_Ehdr)];

	if (!read_at(f, h, EI_NIDENT, 0) || memcmp(h, ELFMAG, SELFMAG))
		return false;
	memcpy(f->ident, h, EI_NIDENT);
	f->is_64bit = h[EI_CLASS] == ELFCLASS64;
	f->big_endian = h[EI_DATA] == ELFDATA2MSB;
	if (!read_at(f, h,
		     f->is_64bit ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr), 0))
		return false;
	f->type = (uint16_t)ELF_FIELD(f, h, Ehdr, e_type);
	f->machine = (uint16_t)ELF_FIELD(f, h, Ehdr, e_machine);
	f->segments.offset = ELF_FIELD(f, h, Ehdr, e_phoff);
	f->segments.entry_bytes = (unsigned)ELF_FIELD(f, h, Ehdr, e_phentsize);
	f->segments.n_entries = (unsigned)ELF_FIELD(f, h, Ehdr, e_phnum);
	f->sections.offset = ELF_FIELD(f, h, Ehdr, e_shoff);
	f->sections.entry_bytes = (unsigned)ELF_FIELD(f, h, Ehdr, e_shentsize);
	f->sections.n_entries = (unsigned)ELF_FIELD(f, h, Ehdr, e_shnum);
	f->names_section = (unsigned)ELF_FIELD(f, h, Ehdr, e_shstrndx);
	return true;
}

bool elf_open(struct elf_file *f, int fd)
{
	*f = (struct elf_file){ .fd = fd };
	return read_elf_header(f);
}

bool elf_open_bytes(struct elf_file *f, struct bytes content)
{
	*f = (struct elf_file){ .fd = -1, .content = content };
	return read_elf_header(f);
}

bool elf_read_entry(const struct elf_file *f, const struct elf_table *t,
		    unsigned i, uint8_t out[static ELF_ENTRY_MAX])
{
	uint64_t step = (uint64_t)i * t->entry_bytes;

	memset(out, 0, ELF_ENTRY_MAX);
	return i < t->n_entries && t->offset <= INT64_MAX - step &&
	       read_at(f, out,
		       t->entry_bytes < ELF_ENTRY_MAX ? t->entry_bytes :
							ELF_ENTRY_MAX,
		       t->offset + step);
}

bool elf_section_content(const struct elf_file *f, const uint8_t *sh,
			 struct bytes *out)
{
	uint64_t at = ELF_FIELD(f, sh, Shdr, sh_offset);
	uint64_t size = ELF_FIELD(f, sh, Shdr, sh_size);

	if (at > f->content.len || size > f->content.len - at)
		return false;
	*out = bytes_of(f->content.data + at, size);
	return true;
}

/* Programs */

/* The dynamic string table. */
struct strings {
	uint64_t at; /* offset in the file */
	uint64_t size;
};

/* Read the path to which a PT_INTERP header points. */
static bool read_loader(struct elf_program *e, const uint8_t *ph)
{
	uint64_t at = ELF_FIELD(&e->file, ph, Phdr, p_offset);
	uint64_t len = ELF_FIELD(&e->file, ph, Phdr, p_filesz);
	char path[PATH_MAX];

	if (len < 2 || len > sizeof(path) || !read_at(&e->file, path, len, at))
		return false;
	if (path[0] != '/' || path[len - 1] != '\0')
		return false;
	free(e->interpreter);
	e->interpreter = xstrdup(path);
	return true;
}

/* Find the file offset of the byte that is loaded at `address`. */
static bool find_address(const struct elf_program *e, uint64_t address,
			 uint64_t *at)
{
	uint8_t ph[ELF_ENTRY_MAX];

	for (unsigned i = 0; i < e->file.segments.n_entries; i++) {
		uint64_t start, size, offset;

		if (!elf_read_entry(&e->file, &e->file.segments, i, ph))
			return false;
		if (ELF_FIELD(&e->file, ph, Phdr, p_type) != PT_LOAD)
			continue;
		start = ELF_FIELD(&e->file, ph, Phdr, p_vaddr);
		size = ELF_FIELD(&e->file, ph, Phdr, p_filesz);
		offset = ELF_FIELD(&e->file, ph, Phdr, p_offset);
		if (address < start || address - start >= size)
			continue;
		if (offset > INT64_MAX || address - start > INT64_MAX - offset)
			return false;
		*at = offset + (address - start);
		return true;
	}
	return false;
}

/* Store the string at `index` of the string table as the value of `tag`. */
static bool take_string(struct elf_program *e, const struct strings *s,
			uint64_t tag, uint64_t index)
{
	char text[PATH_MAX * 2], **to;
	size_t n;

	if (index >= s->size || s->at > INT64_MAX - index)
		return false;
	n = read_up_to(&e->file, text,
		       s->size - index < sizeof(text) ? s->size - index :
							sizeof(text),
		       s->at + index);
	if (!memchr(text, '\0', n) ||
	    (tag == DT_NEEDED && e->needed.n >= NEEDED_MAX))
		return false;
	if (tag == DT_NEEDED) {
		strv_add(&e->needed, text);
		return true;
	}
	to = tag == DT_SONAME ? &e->soname :
	     tag == DT_RPATH  ? &e->rpath :
				&e->runpath;
	free(*to);
	*to = xstrdup(text);
	return true;
}

/* Read entry `i` of the dynamic section. */
static bool read_dynamic(const struct elf_program *e, const struct elf_table *t,
			 unsigned i, uint64_t *tag, uint64_t *value)
{
	uint8_t dyn[ELF_ENTRY_MAX];

	/* DT_NULL or the size in the header ends the section. */
	*tag = DT_NULL;
	*value = 0;
	if (i >= t->n_entries)
		return true;
	if (!elf_read_entry(&e->file, t, i, dyn))
		return false;
	*tag = ELF_FIELD(&e->file, dyn, Dyn, d_tag);
	*value = ELF_FIELD(&e->file, dyn, Dyn, d_un.d_val);
	return true;
}

static bool read_libraries(struct elf_program *e, const struct elf_table *t)
{
	uint64_t tag = DT_NULL, value, address = 0;
	struct strings s = { 0 };

	for (unsigned i = 0; i < DYNAMIC_MAX; i++) {
		if (!read_dynamic(e, t, i, &tag, &value))
			return false;
		if (tag == DT_NULL)
			break;
		if (tag == DT_STRTAB)
			address = value;
		else if (tag == DT_STRSZ)
			s.size = value;
		else if (tag == DT_FLAGS_1)
			e->no_default_dirs = value & DF_1_NODEFLIB;
	}
	if (tag != DT_NULL || (s.size && !find_address(e, address, &s.at)))
		return false;

	/* DT_STRTAB can follow the entries that refer to it. */
	for (unsigned i = 0; i < DYNAMIC_MAX; i++) {
		if (!read_dynamic(e, t, i, &tag, &value))
			return false;
		if (tag == DT_NULL)
			break;
		if ((tag == DT_NEEDED || tag == DT_SONAME || tag == DT_RPATH ||
		     tag == DT_RUNPATH) &&
		    !take_string(e, &s, tag, value))
			return false;
	}
	return true;
}

static bool read_program(struct elf_program *e)
{
	const struct elf_table *segments = &e->file.segments;
	struct elf_table dynamic = {
		.entry_bytes = e->file.is_64bit ? sizeof(Elf64_Dyn) :
						  sizeof(Elf32_Dyn),
	};
	uint8_t ph[ELF_ENTRY_MAX];

	if (segments->n_entries > SEGMENTS_MAX ||
	    (segments->n_entries &&
	     segments->entry_bytes < (e->file.is_64bit ? sizeof(Elf64_Phdr) :
							 sizeof(Elf32_Phdr))))
		return false;
	for (unsigned i = 0; i < segments->n_entries; i++) {
		uint64_t type, n;

		if (!elf_read_entry(&e->file, segments, i, ph))
			return false;
		type = ELF_FIELD(&e->file, ph, Phdr, p_type);
		if (type == PT_INTERP && !read_loader(e, ph))
			return false;
		if (type != PT_DYNAMIC)
			continue;
		dynamic.offset = ELF_FIELD(&e->file, ph, Phdr, p_offset);
		n = ELF_FIELD(&e->file, ph, Phdr, p_filesz) /
		    dynamic.entry_bytes;
		dynamic.n_entries = n < DYNAMIC_MAX ? (unsigned)n : DYNAMIC_MAX;
		if (!read_libraries(e, &dynamic))
			return false;
	}
	return true;
}

int elf_program_read(struct elf_program *out, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	int ret = 0;

	*out = (struct elf_program){ 0 };
	if (fd < 0)
		return err_errno(err, "%s", path);
	errno = 0;
	if (!elf_open(&out->file, fd) || !read_program(out))
		ret = errno ? err_errno(err, "%s", path) : -ENOEXEC;
	/* A read also fails if the file is a directory or a FIFO. */
	if (ret && (fstat(fd, &st) || !S_ISREG(st.st_mode)))
		ret = -ENOEXEC;
	close(fd);
	if (ret)
		elf_program_release(out);
	if (ret == -ENOEXEC)
		err_set(err, ENOEXEC, "%s: not an ELF file", path);
	return ret;
}

void elf_program_release(struct elf_program *e)
{
	free(e->interpreter);
	free(e->soname);
	free(e->rpath);
	free(e->runpath);
	strv_release(&e->needed);
	*e = (struct elf_program){ 0 };
}

bool elf_program_is_compatible(const struct elf_program *a,
			       const struct elf_program *b)
{
	return a->file.machine == b->file.machine &&
	       a->file.is_64bit == b->file.is_64bit &&
	       a->file.big_endian == b->file.big_endian;
}

bool elf_has_magic(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	const struct elf_file f = { .fd = fd };
	char magic[SELFMAG];
	bool is;

	if (fd < 0)
		return false;
	is = read_at(&f, magic, SELFMAG, 0) && !memcmp(magic, ELFMAG, SELFMAG);
	close(fd);
	return is;
}

struct symbols {
	struct elf_file f;
	char *letter; /* per section: nm's letter for a local symbol */
	struct bytes table, names;
	size_t entry; /* bytes per symbol */
};

/*
 * Return nm's letter for a local symbol of a section, like
 * decode_section_type() of binutils' bfd/syms.c.
 */
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
	c = at == SHN_ABS                 ? 'a' :
	    at >= s->f.sections.n_entries ? '?' :
					    s->letter[at];
	return ELF64_ST_BIND(info) == STB_GLOBAL ? (char)toupper(c) : c;
}

static int find_symbol_table(struct symbols *s)
{
	unsigned n = s->f.sections.n_entries, names = 0;
	uint8_t sh[ELF_ENTRY_MAX];
	bool found = false;

	s->entry = s->f.is_64bit ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);
	if (s->f.sections.entry_bytes !=
	    (s->f.is_64bit ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)))
		return n ? -ENOEXEC : -ENODATA;
	s->letter = xmalloc(n + 1);
	for (unsigned i = 0; i < n; i++) {
		if (!elf_read_entry(&s->f, &s->f.sections, i, sh))
			return -ENOEXEC;
		s->letter[i] = letter_of_section(&s->f, sh);
		if (ELF_FIELD(&s->f, sh, Shdr, sh_type) != SHT_SYMTAB)
			continue;
		found = true;
		names = (unsigned)ELF_FIELD(&s->f, sh, Shdr, sh_link);
		if (!elf_section_content(&s->f, sh, &s->table))
			return -ENOEXEC;
	}
	if (!found)
		return -ENODATA;
	if (!elf_read_entry(&s->f, &s->f.sections, names, sh) ||
	    !elf_section_content(&s->f, sh, &s->names) || !s->names.len ||
	    s->names.data[s->names.len - 1])
		return -ENOEXEC;
	return 0;
}

static int report_symbols(const struct symbols *s, elf_on_symbol *on_symbol,
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
		on_symbol(ctx, &out);
	}
	return 0;
}

int elf_symbols_read(const char *path, elf_on_symbol *on_symbol, void *ctx,
		     struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret;
	struct symbols s = { 0 };
	struct stat st;
	void *map = MAP_FAILED;

	if (fd < 0 || fstat(fd, &st)) {
		ret = err_errno(err, "%s", path);
		goto out;
	}
	if (S_ISREG(st.st_mode) && st.st_size > 0)
		map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd,
			   0);
	ret = -ENOEXEC;
	if (map != MAP_FAILED &&
	    elf_open_bytes(&s.f, bytes_of(map, (size_t)st.st_size)))
		ret = find_symbol_table(&s);
	if (!ret)
		ret = report_symbols(&s, on_symbol, ctx);
	if (ret)
		err_set(err, -ret, "%s: %s", path,
			ret == -ENODATA ? "no symbols (stripped)" :
					  "not an ELF file");
out:
	free(s.letter);
	if (map != MAP_FAILED)
		munmap(map, (size_t)st.st_size);
	if (fd >= 0)
		close(fd);
	return ret;
}
