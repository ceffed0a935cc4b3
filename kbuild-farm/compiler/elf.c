/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "compiler/elf.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADERS_MAX 512 /* program headers; real files have about 13 */
#define DYNAMIC_MAX 4096 /* entries of the dynamic section; about 40 */
#define NEEDED_MAX  512

struct file {
	int fd;
	struct compiler_elf *out;
	uint64_t phoff;
	unsigned phentsize;
	unsigned phnum;
};

/* What the dynamic section says where its strings lie. */
struct strings {
	uint64_t at; /* in the file */
	uint64_t size;
};

/* A number of `n` bytes in the file's byte order. */
static uint64_t number(const struct file *f, const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[f->out->big ? n - 1 - i : i] << (8 * i);
	return v;
}

#define FIELD(f, at, type32, type64, field)                           \
	((f)->out->wide ? number((f), (at) + offsetof(type64, field), \
				 sizeof(((type64 *)0)->field)) :      \
			  number((f), (at) + offsetof(type32, field), \
				 sizeof(((type32 *)0)->field)))

static bool read_at(const struct file *f, void *out, size_t n, uint64_t at)
{
	if (at > INT64_MAX)
		return false;
	return pread(f->fd, out, n, (off_t)at) == (ssize_t)n;
}

static bool read_header(struct file *f)
{
	struct compiler_elf *out = f->out;
	uint8_t h[sizeof(Elf64_Ehdr)];
	unsigned least;

	if (!read_at(f, h, EI_NIDENT, 0) || memcmp(h, ELFMAG, SELFMAG))
		return false;
	out->wide = h[EI_CLASS] == ELFCLASS64;
	out->big = h[EI_DATA] == ELFDATA2MSB;
	if (!read_at(f, h, out->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr),
		     0))
		return false;

	out->machine = (uint16_t)FIELD(f, h, Elf32_Ehdr, Elf64_Ehdr, e_machine);
	f->phoff = FIELD(f, h, Elf32_Ehdr, Elf64_Ehdr, e_phoff);
	f->phentsize = (unsigned)FIELD(f, h, Elf32_Ehdr, Elf64_Ehdr,
				       e_phentsize);
	f->phnum = (unsigned)FIELD(f, h, Elf32_Ehdr, Elf64_Ehdr, e_phnum);
	least = out->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	return f->phnum <= HEADERS_MAX && (!f->phnum || f->phentsize >= least);
}

static bool read_program_header(const struct file *f, unsigned i,
				uint8_t ph[static sizeof(Elf64_Phdr)])
{
	uint64_t step = (uint64_t)i * f->phentsize;

	return f->phoff <= INT64_MAX - step &&
	       read_at(f, ph,
		       f->out->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr),
		       f->phoff + step);
}

/* The string that a PT_INTERP header points to. */
static bool read_loader(const struct file *f, const uint8_t *ph)
{
	uint64_t at = FIELD(f, ph, Elf32_Phdr, Elf64_Phdr, p_offset);
	uint64_t len = FIELD(f, ph, Elf32_Phdr, Elf64_Phdr, p_filesz);
	char path[PATH_MAX];

	if (len < 2 || len > sizeof(path) || !read_at(f, path, len, at))
		return false;
	if (path[0] != '/' || path[len - 1] != '\0')
		return false;
	free(f->out->loader);
	f->out->loader = xstrdup(path);
	return true;
}

/* Where the file holds what is loaded at `address`. */
static bool find_address(const struct file *f, uint64_t address, uint64_t *at)
{
	uint8_t ph[sizeof(Elf64_Phdr)];

	for (unsigned i = 0; i < f->phnum; i++) {
		uint64_t start, size, offset;

		if (!read_program_header(f, i, ph))
			return false;
		if (FIELD(f, ph, Elf32_Phdr, Elf64_Phdr, p_type) != PT_LOAD)
			continue;
		start = FIELD(f, ph, Elf32_Phdr, Elf64_Phdr, p_vaddr);
		size = FIELD(f, ph, Elf32_Phdr, Elf64_Phdr, p_filesz);
		offset = FIELD(f, ph, Elf32_Phdr, Elf64_Phdr, p_offset);
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
static char *read_string(const struct file *f, const struct strings *s,
			 uint64_t index)
{
	char text[PATH_MAX * 2];
	ssize_t n;

	if (index >= s->size || s->at > INT64_MAX - index)
		return NULL;
	n = pread(f->fd, text,
		  s->size - index < sizeof(text) ? s->size - index :
						   sizeof(text),
		  (off_t)(s->at + index));
	if (n <= 0 || !memchr(text, '\0', (size_t)n))
		return NULL;
	return xstrdup(text);
}

static bool take_string(const struct file *f, const struct strings *s,
			uint64_t tag, uint64_t value)
{
	struct compiler_elf *out = f->out;
	char *text = read_string(f, s, value), **to;

	if (!text || (tag == DT_NEEDED && out->needed.n >= NEEDED_MAX)) {
		free(text);
		return false;
	}
	if (tag == DT_NEEDED) {
		strv_own(&out->needed, text);
		return true;
	}
	to = tag == DT_SONAME ? &out->soname :
	     tag == DT_RPATH  ? &out->rpath :
				&out->runpath;
	free(*to);
	*to = text;
	return true;
}

/* One entry of the dynamic section, at index `i`. */
static bool read_dynamic(const struct file *f, const uint8_t *ph, unsigned i,
			 uint64_t *tag, uint64_t *value)
{
	uint64_t at = FIELD(f, ph, Elf32_Phdr, Elf64_Phdr, p_offset);
	uint64_t size = FIELD(f, ph, Elf32_Phdr, Elf64_Phdr, p_filesz);
	size_t each = f->out->wide ? sizeof(Elf64_Dyn) : sizeof(Elf32_Dyn);
	uint8_t dyn[sizeof(Elf64_Dyn)];

	/* Its end is DT_NULL, or the end of what the header says. */
	*tag = DT_NULL;
	*value = 0;
	if (size / each <= i)
		return true;
	if (at > INT64_MAX - size || !read_at(f, dyn, each, at + i * each))
		return false;
	*tag = FIELD(f, dyn, Elf32_Dyn, Elf64_Dyn, d_tag);
	*value = FIELD(f, dyn, Elf32_Dyn, Elf64_Dyn, d_un.d_val);
	return true;
}

static bool find_strings(const struct file *f, const uint8_t *ph,
			 struct strings *s)
{
	uint64_t tag = DT_NULL, value, address = 0;

	for (unsigned i = 0; i < DYNAMIC_MAX; i++) {
		if (!read_dynamic(f, ph, i, &tag, &value))
			return false;
		if (tag == DT_NULL)
			break;
		if (tag == DT_STRTAB)
			address = value;
		else if (tag == DT_STRSZ)
			s->size = value;
		else if (tag == DT_FLAGS_1)
			f->out->no_default = value & DF_1_NODEFLIB;
	}
	return tag == DT_NULL && (!s->size || find_address(f, address, &s->at));
}

static bool read_libraries(const struct file *f, const uint8_t *ph)
{
	struct strings s = { 0 };
	uint64_t tag, value;

	if (!find_strings(f, ph, &s))
		return false;
	for (unsigned i = 0; i < DYNAMIC_MAX; i++) {
		if (!read_dynamic(f, ph, i, &tag, &value))
			return false;
		if (tag == DT_NULL)
			break;
		if ((tag == DT_NEEDED || tag == DT_SONAME || tag == DT_RPATH ||
		     tag == DT_RUNPATH) &&
		    !take_string(f, &s, tag, value))
			return false;
	}
	return true;
}

static bool read_all(struct file *f)
{
	uint8_t ph[sizeof(Elf64_Phdr)];

	if (!read_header(f))
		return false;
	for (unsigned i = 0; i < f->phnum; i++) {
		uint64_t type;

		if (!read_program_header(f, i, ph))
			return false;
		type = FIELD(f, ph, Elf32_Phdr, Elf64_Phdr, p_type);
		if (type == PT_INTERP && !read_loader(f, ph))
			return false;
		if (type == PT_DYNAMIC && !read_libraries(f, ph))
			return false;
	}
	return true;
}

int compiler_elf_read_fd(struct compiler_elf *out, int fd)
{
	struct file f = { .fd = fd, .out = out };

	*out = (struct compiler_elf){ 0 };
	if (read_all(&f))
		return 0;
	compiler_elf_release(out);
	return -ENOEXEC;
}

int compiler_elf_read(struct compiler_elf *out, const char *path,
		      struct err *err)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), ret;

	*out = (struct compiler_elf){ 0 };
	if (fd < 0)
		return err_errno(err, "%s", path);
	ret = compiler_elf_read_fd(out, fd);
	close(fd);
	if (ret)
		return err_set(err, -ret, "%s: not an ELF file", path);
	return 0;
}

void compiler_elf_release(struct compiler_elf *e)
{
	free(e->loader);
	free(e->soname);
	free(e->rpath);
	free(e->runpath);
	strv_release(&e->needed);
	*e = (struct compiler_elf){ 0 };
}

bool compiler_elf_alike(const struct compiler_elf *a,
			const struct compiler_elf *b)
{
	return a->machine == b->machine && a->wide == b->wide &&
	       a->big == b->big;
}

bool compiler_elf_is(const char *path)
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
