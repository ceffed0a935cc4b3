/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/base-elf.h - ELF files with the parts that a loader reads, of both
 * word sizes and byte orders.
 */
#ifndef TESTS_BASE_ELF_H
#define TESTS_BASE_ELF_H

#include "base/buf.h"

#include <elf.h>
#include <stddef.h>
#include <string.h>

#define ELF_BASE 0x10000 /* address at which byte 0 is loaded */

struct elf_spec {
	bool narrow, big;
	uint16_t machine; /* 0: EM_X86_64 */
	const char *interp, *soname, *rpath, *runpath;
	const char *needed[8];
	bool no_default, no_dynamic;
};

struct elf_writer {
	const struct elf_spec *spec;
	uint8_t *out;
	struct buf strings, dynamic;
};

static void elf_put(const struct elf_spec *s, uint8_t *at, uint64_t v, size_t n)
{
	for (size_t i = 0; i < n; i++)
		at[s->big ? n - 1 - i : i] = (uint8_t)(v >> (8 * i));
}

#define ELF_PUT(s, at, t32, t64, field, v)                            \
	((s)->narrow ? elf_put((s), (at) + offsetof(t32, field), (v), \
			       sizeof(((t32 *)0)->field)) :           \
		       elf_put((s), (at) + offsetof(t64, field), (v), \
			       sizeof(((t64 *)0)->field)))

static void elf_dynamic(struct elf_writer *w, uint64_t tag, uint64_t value)
{
	uint8_t dyn[sizeof(Elf64_Dyn)] = { 0 };

	ELF_PUT(w->spec, dyn, Elf32_Dyn, Elf64_Dyn, d_tag, tag);
	ELF_PUT(w->spec, dyn, Elf32_Dyn, Elf64_Dyn, d_un, value);
	buf_add(&w->dynamic, dyn,
		w->spec->narrow ? sizeof(Elf32_Dyn) : sizeof(Elf64_Dyn));
}

static void elf_string(struct elf_writer *w, uint64_t tag, const char *text)
{
	if (!text)
		return;
	elf_dynamic(w, tag, w->strings.len);
	buf_add(&w->strings, text, strlen(text) + 1);
}

static void elf_header(const struct elf_spec *s, uint8_t *at, uint32_t type,
		       uint64_t offset, uint64_t size)
{
	ELF_PUT(s, at, Elf32_Phdr, Elf64_Phdr, p_type, type);
	ELF_PUT(s, at, Elf32_Phdr, Elf64_Phdr, p_offset, offset);
	ELF_PUT(s, at, Elf32_Phdr, Elf64_Phdr, p_vaddr, offset + ELF_BASE);
	ELF_PUT(s, at, Elf32_Phdr, Elf64_Phdr, p_filesz, size);
}

/* Write a file to `out`, which is initially empty. */
static inline void elf_make(struct buf *out, const struct elf_spec *s)
{
	size_t ehsize = s->narrow ? sizeof(Elf32_Ehdr) : sizeof(Elf64_Ehdr);
	size_t phsize = s->narrow ? sizeof(Elf32_Phdr) : sizeof(Elf64_Phdr);
	size_t start = ehsize + 3 * phsize, interp, strings, total;
	struct elf_writer w = { .spec = s };
	uint8_t zero[512] = { 0 }, *ph;

	buf_add(&w.strings, "", 1);
	for (size_t i = 0; i < 8; i++)
		elf_string(&w, DT_NEEDED, s->needed[i]);
	elf_string(&w, DT_SONAME, s->soname);
	elf_string(&w, DT_RPATH, s->rpath);
	elf_string(&w, DT_RUNPATH, s->runpath);
	if (s->no_default)
		elf_dynamic(&w, DT_FLAGS_1, DF_1_NODEFLIB);
	interp = s->interp ? strlen(s->interp) + 1 : 0;
	strings = start + interp;
	elf_dynamic(&w, DT_STRTAB, strings + ELF_BASE);
	elf_dynamic(&w, DT_STRSZ, w.strings.len);
	elf_dynamic(&w, DT_NULL, 0);
	total = strings + w.strings.len + w.dynamic.len;

	buf_add(out, zero, start);
	if (interp)
		buf_add(out, s->interp, interp);
	buf_add_bytes(out, buf_bytes(&w.strings));
	buf_add_bytes(out, buf_bytes(&w.dynamic));
	memcpy(out->data, ELFMAG, SELFMAG);
	out->data[EI_CLASS] = s->narrow ? ELFCLASS32 : ELFCLASS64;
	out->data[EI_DATA] = s->big ? ELFDATA2MSB : ELFDATA2LSB;
	ELF_PUT(s, out->data, Elf32_Ehdr, Elf64_Ehdr, e_machine,
		s->machine ? s->machine : EM_X86_64);
	ELF_PUT(s, out->data, Elf32_Ehdr, Elf64_Ehdr, e_phoff, ehsize);
	ELF_PUT(s, out->data, Elf32_Ehdr, Elf64_Ehdr, e_phentsize, phsize);
	ELF_PUT(s, out->data, Elf32_Ehdr, Elf64_Ehdr, e_phnum, 3);
	ph = out->data + ehsize;
	elf_header(s, ph, PT_LOAD, 0, total);
	elf_header(s, ph + phsize, interp ? PT_INTERP : PT_NULL, start, interp);
	elf_header(s, ph + 2 * phsize, s->no_dynamic ? PT_NULL : PT_DYNAMIC,
		   strings + w.strings.len, w.dynamic.len);
	buf_release(&w.strings);
	buf_release(&w.dynamic);
}

#endif
