/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "kernel/elfsize.h"

#include "base/elf.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void add_section(struct kernel_elfsize *out, const struct elf_file *f,
			const uint8_t *section)
{
	uint64_t flags = ELF_FIELD(f, section, Shdr, sh_flags);
	uint64_t size = ELF_FIELD(f, section, Shdr, sh_size);

	if (!(flags & SHF_ALLOC))
		return;
	if ((flags & SHF_EXECINSTR) || !(flags & SHF_WRITE))
		out->text += size;
	else if (ELF_FIELD(f, section, Shdr, sh_type) == SHT_NOBITS)
		out->bss += size;
	else
		out->data += size;
}

static int read_sections(struct kernel_elfsize *out, int fd)
{
	uint8_t section[ELF_ENTRY];
	struct elf_file f;

	if (!elf_open(&f, fd) ||
	    f.sections.size !=
		    (f.wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr)))
		return -ENOEXEC;
	for (unsigned i = 0; i < f.sections.n; i++) {
		if (!elf_entry(&f, &f.sections, i, section))
			return -ENOEXEC;
		add_section(out, &f, section);
	}
	return 0;
}

int kernel_elfsize_read(struct kernel_elfsize *out, const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), ret;
	struct stat st;

	*out = (struct kernel_elfsize){ 0 };
	if (fd < 0)
		return -errno;
	ret = read_sections(out, fd);
	if (ret)
		*out = (struct kernel_elfsize){ 0 };
	else if (!fstat(fd, &st))
		out->file = (uint64_t)st.st_size;
	close(fd);
	return ret;
}
