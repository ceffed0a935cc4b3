/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cell/landlock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * <linux/landlock.h> of the oldest system we build on lacks what newer
 * kernels know, so this is written out.
 */
#define CREATE_RULESET 444
#define ADD_RULE       445
#define RESTRICT_SELF  446
#define ASK_VERSION    1u
#define PATH_BENEATH   1

#define FS_EXECUTE    (1ull << 0)
#define FS_WRITE_FILE (1ull << 1)
#define FS_READ_FILE  (1ull << 2)
#define FS_READ_DIR   (1ull << 3)
#define FS_REMOVE_DIR (1ull << 4)
#define FS_REMOVE     (1ull << 5)
#define FS_MAKE_DIR   (1ull << 7)
#define FS_MAKE_REG   (1ull << 8)
#define FS_MAKE_SYM   (1ull << 12)
#define FS_ABI_1      ((1ull << 13) - 1)
#define FS_REFER      (1ull << 13) /* ABI 2 */
#define FS_TRUNCATE   (1ull << 14) /* ABI 3 */
#define FS_IOCTL_DEV  (1ull << 15) /* ABI 5 */
#define NET_TCP       3ull /* ABI 4: bind and connect */
#define SCOPES        3ull /* ABI 6: abstract sockets and signals */

struct ruleset {
	uint64_t fs;
	uint64_t net;
	uint64_t scoped;
};

struct path_rule {
	uint64_t allowed;
	int32_t parent;
} __attribute__((packed));

int cell_landlock_abi(void)
{
	long abi = syscall(CREATE_RULESET, NULL, 0, ASK_VERSION);

	return abi > 0 ? (int)abi : 0;
}

static int allow(int ruleset, const char *path, uint64_t what)
{
	struct path_rule rule = { .allowed = what };
	int ret = 0;

	rule.parent = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent < 0)
		return -errno;
	if (syscall(ADD_RULE, ruleset, PATH_BENEATH, &rule, 0))
		ret = -errno;
	close(rule.parent);
	return ret;
}

static int add_rules(int ruleset, uint64_t handled, const char *const *writable)
{
	const uint64_t reads = FS_EXECUTE | FS_READ_FILE | FS_READ_DIR;
	const uint64_t writes = FS_WRITE_FILE | FS_READ_FILE | FS_READ_DIR |
				FS_REMOVE_DIR | FS_REMOVE | FS_MAKE_DIR |
				FS_MAKE_REG | FS_MAKE_SYM | FS_REFER |
				FS_TRUNCATE;
	int ret = allow(ruleset, "/", reads & handled);

	if (!ret)
		ret = allow(ruleset, "/dev",
			    (FS_WRITE_FILE | FS_TRUNCATE) & handled);
	for (; !ret && *writable; writable++)
		ret = allow(ruleset, *writable, writes & handled);
	return ret;
}

int cell_landlock_enter(int abi, const char *const *writable)
{
	struct ruleset all = {
		.fs = FS_ABI_1 | (abi >= 2 ? FS_REFER : 0) |
		      (abi >= 3 ? FS_TRUNCATE : 0) |
		      (abi >= 5 ? FS_IOCTL_DEV : 0),
		.net = abi >= 4 ? NET_TCP : 0,
		.scoped = abi >= 6 ? SCOPES : 0,
	};
	size_t size = abi >= 6 ? 24 : abi >= 4 ? 16 : 8;
	int ruleset, ret;

	if (!abi)
		return 0;
	ruleset = (int)syscall(CREATE_RULESET, &all, size, 0);
	if (ruleset < 0)
		return -errno;
	ret = add_rules(ruleset, all.fs, writable);
	if (!ret && syscall(RESTRICT_SELF, ruleset, 0))
		ret = -errno;
	close(ruleset);
	return ret;
}
