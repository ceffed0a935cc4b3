/* SPDX-License-Identifier: GPL-2.0-or-later */
/* needs: node admin */
/* The search for the kfarmd that an enrolment installs on a node. */
#include "admin/enrol.h"

#include "../lib/tempdir.h"
#include "../lib/test.h"

#include <elf.h>

static char root[TEMPDIR_SIZE];
static char *path;
static struct err err;

static void set_up(void)
{
	tempdir_make(root);
	path = NULL;
	err = (struct err){ 0 };
}

static void tear_down(void)
{
	free(path);
	tempdir_remove(root);
}

static void put(const char *name, struct bytes content)
{
	char *file = xasprintf("%s/%s", root, name), *dir = str_dir(file);

	must(fs_mkdirs(dir, 0700, &err));
	must(fs_write(file, content, 0700, &err));
	free(dir);
	free(file);
}

/* The parts of a program that identify the machine and the loader. */
struct program {
	Elf64_Ehdr head;
	Elf64_Phdr segment;
	char loader[8];
};

static void put_program(const char *name, uint16_t machine, uint16_t type,
			uint32_t segment)
{
	struct program p = {
		.head = {
			.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3,
				     ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			.e_type = type,
			.e_machine = machine,
			.e_version = EV_CURRENT,
			.e_phoff = offsetof(struct program, segment),
			.e_ehsize = sizeof(Elf64_Ehdr),
			.e_phentsize = sizeof(Elf64_Phdr),
			.e_phnum = 1,
		},
		.segment = {
			.p_type = segment,
			.p_offset = offsetof(struct program, loader),
			.p_filesz = sizeof(p.loader),
		},
		.loader = "/lib/ld",
	};

	put(name, (struct bytes){ (const uint8_t *)&p, sizeof(p) });
}

static int find(const char *host)
{
	char *kfarm = xasprintf("%s/bin/kfarm", root);
	int ret = admin_kfarmd_program_find_near(kfarm, host, &path, &err);

	free(kfarm);
	return ret;
}

static void expect_found(const char *host, const char *name)
{
	char *want = xasprintf("%s/%s", root, name);

	ck_assert_msg(!find(host), "%s", err.text);
	ck_assert_str_eq(path, want);
	free(want);
}

static void expect_refused(const char *host, int answer, const char *words)
{
	ck_assert_int_eq(find(host), answer);
	ck_assert_ptr_null(path);
	ck_assert_msg(strstr(err.text, words) != NULL, "%s", err.text);
}

FIXTURE(set_up, tear_down);

TEST(an_installed_kfarmd_is_found)
{
	put_program("lib/kfarm/nodes/kfarmd-arm64", EM_AARCH64, ET_EXEC,
		    PT_LOAD);
	expect_found("arm64", "lib/kfarm/nodes/kfarmd-arm64");
}

TEST(a_kfarmd_next_to_kfarm_precedes_an_installed_kfarmd)
{
	put_program("lib/kfarm/nodes/kfarmd-riscv64", EM_RISCV, ET_EXEC,
		    PT_LOAD);
	put_program("bin/nodes/kfarmd-riscv64", EM_RISCV, ET_EXEC, PT_LOAD);
	expect_found("riscv64", "bin/nodes/kfarmd-riscv64");
}

TEST(an_error_names_the_paths_of_a_missing_kfarmd)
{
	expect_refused("x86_64", -ENOENT, "/lib/kfarm/nodes/kfarmd-x86_64");
	text_has(err.text, "/bin/nodes/kfarmd-x86_64");
	text_has(err.text, "`make nodes NODE_HOSTS=x86_64`");
}

TEST(kfarmd_of_the_build_host_is_the_last_choice)
{
	put_program("bin/kfarmd", EM_X86_64, ET_DYN, PT_INTERP);
	expect_found("x86_64", "bin/kfarmd");
	free(path);
	path = NULL;
	expect_refused("arm64", -ENOENT, "`make nodes NODE_HOSTS=arm64`");
	put_program("lib/kfarm/nodes/kfarmd-x86_64", EM_X86_64, ET_EXEC,
		    PT_LOAD);
	expect_found("x86_64", "lib/kfarm/nodes/kfarmd-x86_64");
}

TEST(an_unsupported_machine_is_rejected)
{
	put_program("bin/nodes/kfarmd-s390x", EM_S390, ET_EXEC, PT_LOAD);
	expect_refused("s390x", -ENOENT, "no prebuilt kfarmd for s390x");
	expect_refused("../x", -ENOENT, "no prebuilt kfarmd for ../x");
}

TEST(a_kfarmd_for_another_machine_is_rejected)
{
	put_program("bin/nodes/kfarmd-arm64", EM_X86_64, ET_EXEC, PT_LOAD);
	expect_refused("arm64", -EINVAL, "not an executable for arm64");
	put_program("bin/nodes/kfarmd-arm", EM_ARM, ET_EXEC, PT_LOAD);
	expect_refused("arm", -EINVAL, "not an executable for arm");
}

TEST(a_dynamically_linked_kfarmd_is_rejected)
{
	put_program("bin/nodes/kfarmd-arm64", EM_AARCH64, ET_EXEC, PT_INTERP);
	expect_refused("arm64", -EINVAL, "not a statically linked");
	put_program("bin/nodes/kfarmd-arm64", EM_AARCH64, ET_DYN, PT_LOAD);
	expect_refused("arm64", -EINVAL, "not a statically linked");
}

TEST(a_file_that_is_not_elf_is_rejected)
{
	put("bin/nodes/kfarmd-arm64", bytes_str("#!/bin/sh\n"));
	expect_refused("arm64", -EINVAL, "not an ELF file");
	put("bin/nodes/kfarmd-x86_64", bytes_str(""));
	expect_refused("x86_64", -EINVAL, "not an ELF file");
}
