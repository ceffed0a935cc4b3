/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "toolchain/elf.h"

#include "base/str.h"

#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define HEADERS_MAX 512 /* program headers; real files have about 13 */

struct elf {
	int fd;
	bool wide; /* 64 bits */
	bool big; /* the most significant byte first */
	uint64_t phoff;
	unsigned phentsize;
	unsigned phnum;
};

/* A number of `n` bytes in the file's byte order. */
static uint64_t number(const struct elf *e, const uint8_t *p, size_t n)
{
	uint64_t v = 0;

	for (size_t i = 0; i < n; i++)
		v |= (uint64_t)p[e->big ? n - 1 - i : i] << (8 * i);
	return v;
}

#define FIELD(e, at, type32, type64, field)                      \
	((e)->wide ? number((e), (at) + offsetof(type64, field), \
			    sizeof(((type64 *)0)->field)) :      \
		     number((e), (at) + offsetof(type32, field), \
			    sizeof(((type32 *)0)->field)))

static bool read_at(const struct elf *e, void *out, size_t n, uint64_t at)
{
	if (at > INT64_MAX)
		return false;
	return pread(e->fd, out, n, (off_t)at) == (ssize_t)n;
}

static bool read_header(struct elf *e)
{
	uint8_t h[sizeof(Elf64_Ehdr)];
	unsigned least;

	if (!read_at(e, h, EI_NIDENT, 0) || memcmp(h, ELFMAG, SELFMAG))
		return false;
	e->wide = h[EI_CLASS] == ELFCLASS64;
	e->big = h[EI_DATA] == ELFDATA2MSB;
	if (!read_at(e, h, e->wide ? sizeof(Elf64_Ehdr) : sizeof(Elf32_Ehdr),
		     0))
		return false;

	e->phoff = FIELD(e, h, Elf32_Ehdr, Elf64_Ehdr, e_phoff);
	e->phentsize = (unsigned)FIELD(e, h, Elf32_Ehdr, Elf64_Ehdr,
				       e_phentsize);
	e->phnum = (unsigned)FIELD(e, h, Elf32_Ehdr, Elf64_Ehdr, e_phnum);
	least = e->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	return e->phnum <= HEADERS_MAX && (!e->phnum || e->phentsize >= least);
}

/* The string that a PT_INTERP header points to, or NULL. */
static char *read_loader(const struct elf *e, const uint8_t *ph)
{
	uint64_t at = FIELD(e, ph, Elf32_Phdr, Elf64_Phdr, p_offset);
	uint64_t len = FIELD(e, ph, Elf32_Phdr, Elf64_Phdr, p_filesz);
	char path[PATH_MAX];

	if (len < 2 || len > sizeof(path) || !read_at(e, path, len, at))
		return NULL;
	if (path[0] != '/' || path[len - 1] != '\0')
		return NULL;
	return xstrdup(path);
}

static bool find_loader(const struct elf *e, char **out)
{
	size_t size = e->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	uint8_t ph[sizeof(Elf64_Phdr)];

	for (unsigned i = 0; i < e->phnum; i++) {
		uint64_t step = (uint64_t)i * e->phentsize;

		if (e->phoff > INT64_MAX - step ||
		    !read_at(e, ph, size, e->phoff + step))
			return false;
		if (FIELD(e, ph, Elf32_Phdr, Elf64_Phdr, p_type) != PT_INTERP)
			continue;
		*out = read_loader(e, ph);
		return *out != NULL;
	}
	return true;
}

int toolchain_elf_loader(char **out, const char *path, struct err *err)
{
	struct elf e = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	bool good;

	*out = NULL;
	if (e.fd < 0)
		return err_errno(err, "%s", path);
	good = read_header(&e) && find_loader(&e, out);
	close(e.fd);
	if (!good)
		return err_set(err, ENOEXEC, "%s: not an ELF program", path);
	return 0;
}

bool toolchain_elf_is(const char *path)
{
	struct elf e = { .fd = open(path, O_RDONLY | O_CLOEXEC) };
	uint8_t magic[SELFMAG];
	bool is;

	if (e.fd < 0)
		return false;
	is = read_at(&e, magic, SELFMAG, 0) && !memcmp(magic, ELFMAG, SELFMAG);
	close(e.fd);
	return is;
}
