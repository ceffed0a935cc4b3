/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: sandbox */
/*
 * A client's updates of an input root, one per line: "f PATH", "l PATH TARGET",
 * "d PATH", "r PATH" or "z DRIVER".  No update changes a file outside the input
 * root, and the staging directory is empty at the end.
 */
#include "sandbox/internal.h"

#include "base/fs.h"
#include "base/str.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define LINES_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int make_dir(const char *top, const char *name)
{
	char *path = xasprintf("%s/%s", top, name);
	int fd;

	if (mkdir(path, 0755))
		abort();
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		abort();
	free(path);
	return fd;
}

/* Only an empty directory can be removed. */
static void must_be_empty(const char *top, const char *name)
{
	char *path = xasprintf("%s/%s", top, name);

	if (rmdir(path))
		abort();
	free(path);
}

static void edit(struct sandbox *cell, char *line, int null)
{
	char *path = line + 1 + (line[0] && line[1] == ' '), *target;
	struct err err = { 0 };
	int ret = 0;

	switch (line[0]) {
	case 'f':
		ret = sandbox_put_file(cell, path, null, 0, true, 1, &err);
		break;
	case 'l':
		target = strchr(path, ' ');
		if (target)
			*target++ = '\0';
		ret = sandbox_put_symlink(cell, path, target ? target : "",
					  &err);
		break;
	case 'd':
		ret = sandbox_put_dir(cell, path, &err);
		break;
	case 'r':
		ret = sandbox_remove_path(cell, path, &err);
		break;
	case 'z':
		ret = sandbox_freeze(cell, path, &err);
		break;
	default:
		return;
	}
	if (!ret == !!*err.text)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char top[] = "/tmp/kfarm-fuzz-XXXXXX";
	char *text = xstrndup((const char *)data, size), *save = NULL, *line;
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), n = 0;
	struct sandbox cell = { 0 };
	struct err err;

	if (null < 0 || !mkdtemp(top))
		abort();
	sandbox_input_root_init(&cell.input_root, make_dir(top, "view"),
				make_dir(top, "stage"), geteuid(), getegid());
	close(make_dir(top, "beside"));
	for (line = strtok_r(text, "\n", &save); line && n < LINES_MAX;
	     line = strtok_r(NULL, "\n", &save), n++)
		edit(&cell, line, null);
	must_be_empty(top, "stage");
	must_be_empty(top, "beside");
	sandbox_input_root_release(&cell.input_root);
	if (fs_remove(top, &err))
		abort();
	close(null);
	free(text);
	return 0;
}
