/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "coord/answer.h"

#include "base/fs.h"
#include "coord/job.h"
#include "inputs/toolchain.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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
