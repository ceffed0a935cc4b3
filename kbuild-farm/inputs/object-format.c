/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Sources: gcc/lto-section-names.h and struct lto_section in gcc/lto-streamer.h
 * (for the section ".gnu.lto_.lto.ID" of gcc 10 and later, in which the fifth
 * byte is nonzero for slim LTO); llvm.org/docs/BitCodeFormat.html for the
 * wrapper and the header of a block.
 */
#include "inputs/object-format.h"

#include "base/elf.h"

#include <errno.h>
#include <string.h>

enum lto_kind {
	LTO_NONE,
	LTO_FAT,
	LTO_SLIM,
};

static const char *const lto_words[] = { "no LTO", "fat LTO", "slim LTO" };

/* The fields of a section header that this file uses. */
struct section {
	uint64_t type; /* SHT_PROGBITS ... */
	/* empty if the section has no bytes in the file */
	struct bytes content;
	uint64_t name_offset; /* in the table of names */
};

static bool read_section(const struct elf_file *f, unsigned i,
			 struct section *out)
{
	uint8_t h[ELF_ENTRY_MAX] = { 0 };
	uint64_t at, size;

	if (!elf_read_entry(f, &f->sections, i, h))
		return false;
	at = ELF_FIELD(f, h, Shdr, sh_offset);
	size = ELF_FIELD(f, h, Shdr, sh_size);
	out->name_offset = ELF_FIELD(f, h, Shdr, sh_name);
	out->type = ELF_FIELD(f, h, Shdr, sh_type);
	out->content = bytes_of(NULL, 0);
	if (!size || out->type == SHT_NOBITS)
		return true;
	if (at > f->content.len || size > f->content.len - at)
		return false;
	out->content = bytes_of(f->content.data + at, (size_t)size);
	return true;
}

static bool starts_with_name(struct bytes names, uint64_t at, const char *start)
{
	size_t len = strlen(start);

	return at <= names.len && len <= names.len - at &&
	       !memcmp(names.data + at, start, len);
}

/*
 * Store the highest enum lto_kind of all sections in *out.  Returns false if a
 * section is outside the file.
 */
static bool read_lto(const struct elf_file *f, enum lto_kind *out)
{
	struct section names = { 0 }, s;

	*out = LTO_NONE;
	/*
	 * In a file with 65280 or more sections, n_entries is 0.  Such a file
	 * counts as a file without LTO.
	 */
	if (f->sections.n_entries && f->names_section &&
	    !read_section(f, f->names_section, &names))
		return false;
	for (unsigned i = 1; i < f->sections.n_entries; i++) {
		enum lto_kind is = LTO_NONE;

		if (!read_section(f, i, &s))
			return false;
		if (starts_with_name(names.content, s.name_offset, ".gnu.lto_"))
			is = LTO_FAT;
		if (is &&
		    starts_with_name(names.content, s.name_offset,
				     ".gnu.lto_.lto.") &&
		    s.content.len > 4 && s.content.data[4])
			is = LTO_SLIM;
		if (is > *out)
			*out = is;
	}
	return true;
}

/*
 * With the same options, gas writes a 32-bit SPARC object for EM_SPARC or, if
 * an instruction needs the v8plus architecture, for EM_SPARC32PLUS.
 */
static bool is_sparc32(uint16_t machine)
{
	return machine == EM_SPARC || machine == EM_SPARC32PLUS;
}

static bool has_same_machine(const struct elf_file *a, const struct elf_file *b)
{
	return a->machine == b->machine ||
	       (is_sparc32(a->machine) && is_sparc32(b->machine));
}

static int compare_elf(const struct elf_file *got, const struct elf_file *want,
		       struct err *err)
{
	enum lto_kind is, due;

	if (memcmp(got->ident, want->ident, EI_OSABI) || got->type != ET_REL ||
	    !has_same_machine(got, want))
		return err_set(err, EBADMSG,
			       "object has ELF class %u, type %u, machine %u, "
			       "expected class %u, type %u, machine %u",
			       got->ident[EI_CLASS], got->type, got->machine,
			       want->ident[EI_CLASS], ET_REL, want->machine);
	if (got->sections.entry_bytes != want->sections.entry_bytes ||
	    got->sections.offset > got->content.len ||
	    (uint64_t)got->sections.entry_bytes * got->sections.n_entries >
		    got->content.len - got->sections.offset ||
	    !read_lto(got, &is))
		return err_set(err, EBADMSG,
			       "sections extend beyond the end of the file");
	if (!read_lto(want, &due) || is != due)
		return err_set(err, EBADMSG, "object has %s, expected %s",
			       lto_words[is], lto_words[due]);
	return 0;
}

#define BLOCK_HEAD           8 /* two words */
#define BLOCK_IDENTIFICATION 13
#define BLOCK_MODULE         8

/* Take a top-level block with its header from the front of `rest`. */
static bool read_block(struct bytes *rest, unsigned *id, struct bytes *block)
{
	uint32_t head, words;
	uint64_t size;

	if (rest->len < BLOCK_HEAD)
		return false;
	head = get_le32(rest->data);
	words = get_le32(rest->data + 4);
	size = BLOCK_HEAD + UINT64_C(4) * words;
	/* Bits 0 and 1 are ENTER_SUBBLOCK; bits 2 to 9 are the block id. */
	if ((head & 3) != 1 || size > rest->len)
		return false;
	*id = head >> 2 & 0xff;
	*block = bytes_of(rest->data, (size_t)size);
	rest->data += size;
	rest->len -= (size_t)size;
	return true;
}

/*
 * Find the blocks of a bitcode file, which follow the magic number.  *wrapped
 * is set if the bitcode is inside a wrapper.  Returns false if `in` is not
 * bitcode.
 */
static bool find_blocks(struct bytes in, bool *wrapped, struct bytes *out)
{
	static const uint8_t bare[] = { 'B', 'C', 0xc0, 0xde };
	static const uint8_t wrapper[] = { 0xde, 0xc0, 0x17, 0x0b };
	uint32_t at, size;

	*wrapped = in.len >= 20 && !memcmp(in.data, wrapper, 4);
	if (*wrapped) {
		at = get_le32(in.data + 8);
		size = get_le32(in.data + 12);
		if (at > in.len || size > in.len - at)
			return false;
		in = bytes_of(in.data + at, size);
	}
	if (in.len < sizeof(bare) || memcmp(in.data, bare, sizeof(bare)))
		return false;
	*out = bytes_of(in.data + 4, in.len - 4);
	return true;
}

/*
 * Check that all blocks are complete and that one of them is a module.  *writer
 * becomes the first block, which identifies the release of LLVM.
 */
static bool read_blocks(struct bytes rest, struct bytes *writer)
{
	struct bytes block;
	bool has_module = false;
	unsigned id;

	if (!read_block(&rest, &id, writer) || id != BLOCK_IDENTIFICATION)
		return false;
	while (rest.len) {
		if (!read_block(&rest, &id, &block))
			return false;
		has_module |= id == BLOCK_MODULE;
	}
	return has_module;
}

static int compare_bitcode(struct bytes object, struct bytes reference,
			   struct err *err)
{
	struct bytes got, want, writer = { 0 }, local = { 0 };
	bool wrapped, due;

	if (!find_blocks(reference, &due, &want) ||
	    !read_blocks(want, &local) ||
	    !find_blocks(object, &wrapped, &got) || wrapped != due)
		return err_set(err, EBADMSG,
			       "not in this compiler's object format");
	if (!read_blocks(got, &writer))
		return err_set(err, EBADMSG, "incomplete bitcode block");
	if (!bytes_equal(writer, local))
		return err_set(err, EBADMSG, "bitcode of another LLVM version");
	return 0;
}

bool inputs_object_format_is_supported(struct bytes reference)
{
	struct elf_file f;
	struct bytes blocks;
	bool wrapped;

	return elf_open_bytes(&f, reference) ||
	       find_blocks(reference, &wrapped, &blocks);
}

int inputs_object_format_compare(struct bytes object, struct bytes reference,
				 struct err *err)
{
	struct elf_file got, want;

	if (!elf_open_bytes(&want, reference))
		return compare_bitcode(object, reference, err);
	if (!elf_open_bytes(&got, object))
		return err_set(err, EBADMSG, "not an ELF file");
	return compare_elf(&got, &want, err);
}

static bool defines_function(const struct elf_file *f, struct bytes symbols)
{
	size_t size = f->is_64bit ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym);

	for (; symbols.len >= size; symbols.data += size, symbols.len -= size) {
		const uint8_t *p = symbols.data;

		if (ELF_FIELD(f, p, Sym, st_shndx) != SHN_UNDEF &&
		    ELF64_ST_TYPE(ELF_FIELD(f, p, Sym, st_info)) == STT_FUNC)
			return true;
	}
	return false;
}

bool inputs_object_format_has_functions(struct bytes object)
{
	struct elf_file f;
	struct section s;

	if (!elf_open_bytes(&f, object))
		return false;
	for (unsigned i = 1; i < f.sections.n_entries; i++) {
		if (read_section(&f, i, &s) && s.type == SHT_SYMTAB &&
		    defines_function(&f, s.content))
			return true;
	}
	return false;
}

bool inputs_object_format_is_same_machine(struct bytes object,
					  struct bytes reference)
{
	struct elf_file got, want;

	if (!elf_open_bytes(&got, object) || got.type != ET_REL)
		return false;
	return !elf_open_bytes(&want, reference) ||
	       (!memcmp(got.ident, want.ident, EI_OSABI) &&
		has_same_machine(&got, &want));
}
