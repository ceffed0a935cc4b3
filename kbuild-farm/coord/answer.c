/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/answer.h"

#include "base/elf.h"
#include "base/fs.h"
#include "coord/job.h"
#include "inputs/toolchain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int coord_answer_format(struct bytes object, struct bytes reference,
			struct err *err)
{
	struct elf_file got, want;
	uint64_t table;

	if (!elf_open_bytes(&want, reference)) {
		if (object.len >= 4 && reference.len >= 4 &&
		    !memcmp(object.data, reference.data, 4))
			return 0;
		return err_set(err, EBADMSG, "not this compiler's format");
	}
	if (!elf_open_bytes(&got, object))
		return err_set(err, EBADMSG, "not an ELF file");
	if (memcmp(got.ident, want.ident, EI_OSABI) || got.type != ET_REL ||
	    got.machine != want.machine)
		return err_set(err, EBADMSG,
			       "ELF class %u, type %u, machine %u where class "
			       "%u, type %u, machine %u is due",
			       got.ident[EI_CLASS], got.type, got.machine,
			       want.ident[EI_CLASS], ET_REL, want.machine);
	table = (uint64_t)got.sections.size * got.sections.n;
	if (got.sections.size != want.sections.size ||
	    got.sections.at > object.len ||
	    table > object.len - got.sections.at)
		return err_set(err, EBADMSG,
			       "its sections reach beyond the file");
	return 0;
}

bool coord_answer_is_known(struct bytes reference)
{
	static const uint8_t bitcode[] = { 'B', 'C', 0xc0, 0xde };
	struct elf_file f;

	return elf_open_bytes(&f, reference) ||
	       (reference.len >= sizeof(bitcode) &&
		!memcmp(reference.data, bitcode, sizeof(bitcode)));
}

int coord_answer_write(const struct coord_job *job, const char *tmp,
		       struct bytes content, struct err *err)
{
	char *path = coord_job_path(job, tmp);
	int fd = open(path,
		      O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
		      0666);
	int ret;

	if (fd < 0) {
		ret = err_errno(err, "%s", path);
		free(path);
		return ret;
	}
	ret = fs_write_all(fd, content);
	if (close(fd) && !ret)
		ret = -errno;
	if (ret) {
		unlink(path);
		err_set(err, -ret, "%s: %s", path, strerror(-ret));
	}
	free(path);
	return ret;
}
