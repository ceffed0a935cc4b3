/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "node/program.h"

#include "base/elf.h"
#include "base/fs.h"
#include "base/str.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* What `make nodes` makes. */
static const struct made {
	const char *host;
	uint16_t machine;
	bool wide;
} made[] = {
	{ "x86_64", EM_X86_64, true },
	{ "arm64", EM_AARCH64, true },
	{ "arm", EM_ARM, false },
	{ "riscv64", EM_RISCV, true },
};

static const struct made *made_for(const char *host)
{
	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++) {
		if (!strcmp(made[i].host, host))
			return &made[i];
	}
	return NULL;
}

/* A copy that was cut short, or one under a wrong name, must not be sent. */
static int check_program(const struct made *m, const char *path,
			 struct err *err)
{
	struct elf_program elf;
	int ret = elf_program_read(&elf, path, err);

	if (ret)
		return ret == -ENOEXEC ? -EINVAL : ret;
	if (elf.head.machine != m->machine || elf.head.wide != m->wide ||
	    elf.head.big)
		ret = err_set(err, EINVAL, "%s: not a program for %s", path,
			      m->host);
	else if (elf.head.type != ET_EXEC || elf.loader)
		ret = err_set(err, EINVAL, "%s: not a static program", path);
	elf_program_release(&elf);
	return ret;
}

int node_program_find_beside(const char *kfarm, const char *host, char **path,
			     struct err *err)
{
	const struct made *m = made_for(host);
	char *dir = str_dir(kfarm), *up = str_dir(dir);
	char *built = xasprintf("%s/nodes/kfarmd-%s", dir, host);
	char *installed = xasprintf("%s/lib/kfarm/nodes/kfarmd-%s",
				    strcmp(up, "/") ? up : "", host);
	char **found = fs_exists(built)     ? &built :
		       fs_exists(installed) ? &installed :
					      NULL;
	int ret;

	if (!m)
		ret = err_set(err, ENOENT,
			      "kfarm comes with no kfarmd for %s: compile it"
			      " there, with what the node has",
			      host);
	else if (!found)
		ret = err_set(err, ENOENT,
			      "no kfarmd for %s: neither %s nor %s is there;"
			      " `make nodes` in kfarm's source makes them",
			      host, built, installed);
	else
		ret = check_program(m, *found, err);
	if (!ret && found) {
		*path = *found;
		*found = NULL;
	}
	free(installed);
	free(built);
	free(up);
	free(dir);
	return ret;
}

int node_program_find(const char *host, char **path, struct err *err)
{
	char *self = realpath("/proc/self/exe", NULL);
	int ret = self ? node_program_find_beside(self, host, path, err) :
			 err_errno(err, "/proc/self/exe");

	free(self);
	return ret;
}
