/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "base/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SEGMENTS_MAX 512 /* real files have about 13 */
#define DYNAMIC_MAX  4096 /* entries of the dynamic section; about 40 */
#define NEEDED_MAX   512

/* ----------------------------------------------------------------- headers */

uint64_t elf_number(const struct elf_file *f, const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[f->big ? n - 1 - i : i] << (8 * i);
	return v;
}

/* Up to `n` bytes: how many there are. */
static size_t read_up_to(const struct elf_file *f, void *out, size_t n,
			 uint64_t at)
{
	ssize_t got;

	if (f->fd >= 0) {
		got = at > INT64_MAX ? 0 : pread(f->fd, out, n, (off_t)at);
		return got > 0 ? (size_t)got : 0;
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
	f->wide = h[EI_CLASS] == ELFCLASS64;
	f->big = h[EI_DATA] == ELFDATA2MSB;
	if (!read_at(f, h, f->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr),
		     0))
		return false;
	f->type = (uint16_t)ELF_FIELD(f, h, Ehdr, e_type);
	f->machine = (uint16_t)ELF_FIELD(f, h, Ehdr, e_machine);
	f->segments.at = ELF_FIELD(f, h, Ehdr, e_phoff);
	f->segments.size = (unsigned)ELF_FIELD(f, h, Ehdr, e_phentsize);
	f->segments.n = (unsigned)ELF_FIELD(f, h, Ehdr, e_phnum);
	f->sections.at = ELF_FIELD(f, h, Ehdr, e_shoff);
	f->sections.size = (unsigned)ELF_FIELD(f, h, Ehdr, e_shentsize);
	f->sections.n = (unsigned)ELF_FIELD(f, h, Ehdr, e_shnum);
	f->names = (unsigned)ELF_FIELD(f, h, Ehdr, e_shstrndx);
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

bool elf_entry(const struct elf_file *f, const struct elf_table *t, unsigned i,
	       uint8_t out[static ELF_ENTRY])
{
	uint64_t step = (uint64_t)i * t->size;

	return i < t->n && t->at <= INT64_MAX - step &&
	       read_at(f, out, t->size < ELF_ENTRY ? t->size : ELF_ENTRY,
		       t->at + step);
}

/* ---------------------------------------------------------------- programs */

/* What the dynamic section says where its strings lie. */
struct strings {
	uint64_t at; /* in the file */
	uint64_t size;
};

/* The string that a PT_INTERP header points to. */
static bool read_loader(struct elf_program *e, const uint8_t *ph)
{
	uint64_t at = ELF_FIELD(&e->head, ph, Phdr, p_offset);
	uint64_t len = ELF_FIELD(&e->head, ph, Phdr, p_filesz);
	char path[PATH_MAX];

	if (len < 2 || len > sizeof(path) || !read_at(&e->head, path, len, at))
		return false;
	if (path[0] != '/' || path[len - 1] != '\0')
		return false;
	free(e->loader);
	e->loader = xstrdup(path);
	return true;
}

/* Where the file holds what is loaded at `address`. */
static bool find_address(const struct elf_program *e, uint64_t address,
			 uint64_t *at)
{
	uint8_t ph[ELF_ENTRY];

	for (unsigned i = 0; i < e->head.segments.n; i++) {
		uint64_t start, size, offset;

		if (!elf_entry(&e->head, &e->head.segments, i, ph))
			return false;
		if (ELF_FIELD(&e->head, ph, Phdr, p_type) != PT_LOAD)
			continue;
		start = ELF_FIELD(&e->head, ph, Phdr, p_vaddr);
		size = ELF_FIELD(&e->head, ph, Phdr, p_filesz);
		offset = ELF_FIELD(&e->head, ph, Phdr, p_offset);
		if (address < start || address - start >= size)
			continue;
		if (offset > INT64_MAX || address - start > INT64_MAX - offset)
			return false;
		*at = offset + (address - start);
		return true;
	}
	return false;
}

/* A string of the dynamic section; the caller frees it, NULL: a bad one. */
static char *dynamic_string(const struct elf_program *e,
			    const struct strings *s, uint64_t index)
{
	char text[PATH_MAX * 2];
	size_t n;

	if (index >= s->size || s->at > INT64_MAX - index)
		return NULL;
	n = read_up_to(&e->head, text,
		       s->size - index < sizeof(text) ? s->size - index :
							sizeof(text),
		       s->at + index);
	return memchr(text, '\0', n) ? xstrdup(text) : NULL;
}

static bool take_string(struct elf_program *e, const struct strings *s,
			uint64_t tag, uint64_t value)
{
	char *text = dynamic_string(e, s, value), **to;

	if (!text || (tag == DT_NEEDED && e->needed.n >= NEEDED_MAX)) {
		free(text);
		return false;
	}
	if (tag == DT_NEEDED) {
		strv_own(&e->needed, text);
		return true;
	}
	to = tag == DT_SONAME ? &e->soname :
	     tag == DT_RPATH  ? &e->rpath :
				&e->runpath;
	free(*to);
	*to = text;
	return true;
}

/* Entry `i` of the dynamic section. */
static bool read_dynamic(const struct elf_program *e, const struct elf_table *t,
			 unsigned i, uint64_t *tag, uint64_t *value)
{
	uint8_t dyn[ELF_ENTRY];

	/* Its end is DT_NULL, or the end of what the header says. */
	*tag = DT_NULL;
	*value = 0;
	if (i >= t->n)
		return true;
	if (!elf_entry(&e->head, t, i, dyn))
		return false;
	*tag = ELF_FIELD(&e->head, dyn, Dyn, d_tag);
	*value = ELF_FIELD(&e->head, dyn, Dyn, d_un.d_val);
	return true;
}

static bool find_string_table(struct elf_program *e, const struct elf_table *t,
			      struct strings *s)
{
	uint64_t tag = DT_NULL, value, address = 0;

	for (unsigned i = 0; i < DYNAMIC_MAX; i++) {
		if (!read_dynamic(e, t, i, &tag, &value))
			return false;
		if (tag == DT_NULL)
			break;
		if (tag == DT_STRTAB)
			address = value;
		else if (tag == DT_STRSZ)
			s->size = value;
		else if (tag == DT_FLAGS_1)
			e->no_default = value & DF_1_NODEFLIB;
	}
	return tag == DT_NULL && (!s->size || find_address(e, address, &s->at));
}

static bool read_libraries(struct elf_program *e, const struct elf_table *t)
{
	struct strings s = { 0 };
	uint64_t tag, value;

	if (!find_string_table(e, t, &s))
		return false;
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

/* The table that a PT_DYNAMIC header points to. */
static struct elf_table dynamic_table(const struct elf_program *e,
				      const uint8_t *ph)
{
	unsigned each = e->head.wide ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
	uint64_t n = ELF_FIELD(&e->head, ph, Phdr, p_filesz) / each;

	return (struct elf_table){
		.at = ELF_FIELD(&e->head, ph, Phdr, p_offset),
		.size = each,
		.n = n < DYNAMIC_MAX ? (unsigned)n : DYNAMIC_MAX,
	};
}

static bool read_program(struct elf_program *e)
{
	const struct elf_table *segments = &e->head.segments;
	uint8_t ph[ELF_ENTRY];

	if (segments->n > SEGMENTS_MAX ||
	    (segments->n &&
	     segments->size <
		     (e->head.wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr))))
		return false;
	for (unsigned i = 0; i < segments->n; i++) {
		struct elf_table dynamic;
		uint64_t type;

		if (!elf_entry(&e->head, segments, i, ph))
			return false;
		type = ELF_FIELD(&e->head, ph, Phdr, p_type);
		dynamic = dynamic_table(e, ph);
		if (type == PT_INTERP && !read_loader(e, ph))
			return false;
		if (type == PT_DYNAMIC && !read_libraries(e, &dynamic))
			return false;
	}
	return true;
}

int elf_program_read(struct elf_program *out, const char *path, struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	bool good;

	*out = (struct elf_program){ 0 };
	if (fd < 0)
		return err_errno(err, "%s", path);
	good = elf_open(&out->head, fd) && read_program(out);
	close(fd);
	if (good)
		return 0;
	elf_program_release(out);
	return err_set(err, ENOEXEC, "%s: not an ELF file", path);
}

void elf_program_release(struct elf_program *e)
{
	free(e->loader);
	free(e->soname);
	free(e->rpath);
	free(e->runpath);
	strv_release(&e->needed);
	*e = (struct elf_program){ 0 };
}

bool elf_program_alike(const struct elf_program *a, const struct elf_program *b)
{
	return a->head.machine == b->head.machine &&
	       a->head.wide == b->head.wide && a->head.big == b->head.big;
}

bool elf_is(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	char magic[SELFMAG];
	bool is;

	if (fd < 0)
		return false;
	is = pread(fd, magic, SELFMAG, 0) == SELFMAG &&
	     !memcmp(magic, ELFMAG, SELFMAG);
	close(fd);
	return is;
}
