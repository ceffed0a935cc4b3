/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * tests/unit/kernel-tree.h - A miniature kernel tree for the tests of kernel/:
 * the Makefile's targets and the scripts that kfarm uses, in a private
 * directory, with a HOME, a runtime directory and compilers next to it.
 */
#ifndef KERNEL_TREE_H
#define KERNEL_TREE_H

#include "../lib/test.h"
#include "base/which.h"

#include <sys/utsname.h>

#define UNUSED __attribute__((unused))

static char top[64]; /* contains all other files */
static char *tree; /* the kernel tree */
static struct strv env; /* environment of a plan */

/*
 * Replaces the C library's function, so that arm64 is always another
 * architecture.
 */
int uname(struct utsname *name)
{
	*name = (struct utsname){ .sysname = "Linux",
				  .nodename = "build",
				  .release = "6.1.0",
				  .machine = "x86_64" };
	return 0;
}

static UNUSED char *at(const char *name)
{
	return xasprintf("%s/%s", top, name);
}

static UNUSED void put_file(const char *name, const char *text, mode_t mode)
{
	char *path = at(name), *dir = str_dir(path);
	struct err err = { 0 };

	must(fs_mkdirs(dir, 0755, &err));
	must(fs_write(path, bytes_str(text), mode, &err));
	free(dir);
	free(path);
}

static UNUSED char *get_file(const char *path)
{
	struct buf text = { 0 };
	struct err err = { 0 };

	must(fs_read(path, 1 << 24, &text, &err));
	return buf_steal(&text);
}

static UNUSED bool stands(const char *name)
{
	char *path = at(name);
	bool yes = fs_exists(path);

	free(path);
	return yes;
}

static const char makefile[] =
	"VERSION = 6\n"
	"PATCHLEVEL = 1\n"
	"SUBLEVEL = 7\n"
	"EXTRAVERSION = -rc3\n"
	"NAME = Mini\n"
	"out := $(if $(O),$(O),.)\n"
	"CC = $(CROSS_COMPILE)gcc\n"
	"srcarch := $(or $(SRC),arm64)\n"
	"boot := $(out)/arch/$(srcarch)/boot\n"
	"%config:\n"
	"\t@mkdir -p $(out)\n"
	"\t@echo '# Linux/$(ARCH) config'> $(out)/.config\n"
	"\t@echo CONFIG_MODULES=y >> $(out)/.config\n"
	"\t@echo '# CONFIG_A is not set' >> $(out)/.config\n"
	"olddefconfig:\n"
	"\t@test ! '$(KCONFIG_FAILS)'\n"
	"\t@sed -i '/CONFIG_NODEP/d' $(out)/.config\n"
	"syncconfig:\n"
	"\t@mkdir -p $(out)/include/config\n"
	"\t@touch $(out)/include/config/auto.conf\n"
	"\t@echo 6.1.7-rc3-mini > $(out)/include/config/kernel.release\n"
	"image_name:\n"
	"\t@echo arch/$(srcarch)/boot/Image.gz\n"
	"Image Image.gz:\n"
	"\t@mkdir -p $(boot)\n"
	"\t@echo \"  CC      init/main.o\"\n"
	"\t@echo $$KBUILD_BUILD_USER > $(boot)/$@\n"
	"\t@echo '0000 T _text' > $(out)/System.map\n"
	"\t@cp /bin/true $(out)/vmlinux\n"
	"vmlinux:\n"
	"\t@cp /bin/true $(out)/vmlinux\n"
	"lib/%.o:\n"
	"\t@mkdir -p $(out)/lib && touch $(out)/$@\n"
	"kernelrelease:\n"
	"\t@cat $(out)/include/config/kernel.release\n"
	"kernelversion:\n"
	"\t@echo 6.1.7 $(O)\n"
	"nconfig:\n"
	"\t@read level && echo CONFIG_LEVEL=$$level >$(out)/.config\n"
	"xconfig:\n"
	"\t@trap 'exit 3' TERM; echo $$$$ >$(out)/pid; "
	"while :; do sleep 0.05; done\n"
	"modules:\n"
	"\t@echo kernel/a.ko > $(out)/modules.order.new; "
	"cmp -s $(out)/modules.order.new $(out)/modules.order || "
	"cp $(out)/modules.order.new $(out)/modules.order; "
	"rm $(out)/modules.order.new\n"
	"\t@test -e $(out)/a.ko || cp /bin/true $(out)/a.ko\n"
	"dtbs:\n"
	"\t@mkdir -p $(boot)/dts\n"
	"\t@touch $(boot)/dts/a.dtb\n"
	"modules_install:\n"
	"\t@mkdir -p $(INSTALL_MOD_PATH)/lib/modules/6.1.7\n"
	"\t@cp $(out)/a.ko $(INSTALL_MOD_PATH)/lib/modules/6.1.7/a.ko\n"
	"\t@echo modules >> $(out)/installed\n"
	"\t@ln -sf $(out) $(INSTALL_MOD_PATH)/lib/modules/6.1.7/build\n"
	"dtbs_install:\n"
	"\t@mkdir -p $(INSTALL_DTBS_PATH)/rockchip\n"
	"\t@echo dtb > $(INSTALL_DTBS_PATH)/rockchip/a.dtb\n"
	"headers:\n"
	"\t@mkdir -p $(out)/usr/include/linux\n"
	"\t@test -e $(out)/usr/include/linux/a.h || "
	"echo '#define A 1' > $(out)/usr/include/linux/a.h\n"
	"headers_install: headers\n"
	"\t@mkdir -p $(INSTALL_HDR_PATH)\n"
	"\t@cp -r $(out)/usr/include $(INSTALL_HDR_PATH)/\n"
	"bindeb-pkg:\n"
	"\t@mkdir -p $(out)/debian && echo deb > $(out)/../linux-a.deb\n"
	"\t@echo info > $(out)/../linux-a.buildinfo\n"
	"\t@echo other > $(out)/../other.deb\n"
	"\t@echo 'linux-a.deb kernel optional' > $(out)/debian/files\n"
	"\t@echo 'linux-a.buildinfo kernel optional' >> $(out)/debian/files\n"
	"binrpm-pkg:\n"
	"\t@mkdir -p $(out)/rpm && echo rpm > $(out)/rpm/kernel.rpm\n"
	"\t@echo \"Wrote: $(abspath $(out))/rpm/kernel.rpm\"\n"
	"targz-pkg:\n"
	"\t@echo tar > $(out)/linux-6.1.7-arm64.tar.gz\n"
	"noisy:\n"
	"\t@echo 'a.c:1:2: warning: w [-Wx]' >&2\n"
	"broken:\n"
	"\t@echo 'a.c:3:4: error: no' >&2; touch $(out)/broke; exit 1\n"
	"compile:\n"
	"\t@$(CC) --version\n"
	"slow:\n"
	"\t@touch $(out)/begun; sleep 60\n"
	"sulky:\n"
	"\t@trap 'echo \"make: *** wait: No child processes.  Stop.\" >&2; "
	"exit 1' INT; until [ -e $(out)/broke ]; do sleep 0.05; done; "
	"touch $(out)/begun; while :; do sleep 0.05; done\n"
	"stubborn:\n"
	"\t@trap '' INT TERM; setsid sleep 77 & echo $$! >$(O)/pid; "
	"touch $(out)/begun; "
	"while :; do sleep 1; done\n"
	"all: Image.gz modules dtbs\n";

static void link_compiler(const char *name)
{
	char *gcc = which_compiler("gcc", "/usr/local/bin:/usr/bin:/bin", NULL);
	char *real = gcc ? realpath(gcc, NULL) : NULL;
	char *link = xasprintf("%s/tools/%s", top, name);

	ck_assert_ptr_nonnull(real);
	ck_assert_int_eq(symlink(real, link), 0);
	free(link);
	free(real);
	free(gcc);
}

static UNUSED void set_env(const char *setting)
{
	size_t n = strcspn(setting, "=") + 1;

	for (size_t i = 0; i < env.n; i++) {
		if (!strncmp(env.v[i], setting, n)) {
			free(env.v[i]);
			env.v[i] = xstrdup(setting);
			return;
		}
	}
	strv_add(&env, setting);
}

static UNUSED void tree_set_up(void)
{
	strcpy(top, "/tmp/check-build-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(top));
	tree = at("linux");
	put_file("linux/Makefile", makefile, 0644);
	put_file("linux/arch/arm64/Makefile", "", 0644);
	put_file("linux/arch/arm64/configs/board_defconfig", "", 0644);
	put_file("linux/arch/arm64/configs/board.config", "CONFIG_B=y\n", 0644);
	put_file("linux/arch/x86/Makefile", "i386_defconfig:\n", 0644);
	put_file("linux/arch/riscv/Makefile", "", 0644);
	put_file("linux/arch/newarch/Makefile", "", 0644);
	put_file("linux/kernel/configs/tiny.config", "CONFIG_T=y\n", 0644);
	put_file("linux/scripts/kconfig/Makefile", "syncconfig:\n", 0644);
	put_file("linux/scripts/min-tool-version.sh",
		 "case $1 in gcc) echo 5.1.0;; *) echo 11.0.0;; esac\n", 0755);
	put_file("tools/old-gcc", "#!/bin/sh\necho 4.9.2\n", 0755);
	put_file("home/x", "", 0644);
	put_file("run/x", "", 0644);
	link_compiler("aarch64-linux-gnu-gcc");
	link_compiler("nice-gcc");

	setenv("HOME", top, 1);
	unsetenv("XDG_CACHE_HOME");
	unsetenv("XDG_STATE_HOME");
	setenv("XDG_RUNTIME_DIR", top, 1);
	env = (struct strv){ 0 };
	strv_addf(&env, "PATH=%s/tools:/usr/local/bin:/usr/bin:/bin", top);
	strv_addf(&env, "HOME=%s", top);
}

static UNUSED void tree_tear_down(void)
{
	struct err err;

	strv_release(&env);
	free(tree);
	fs_remove(top, &err);
}

/* Split a text into words of a struct strv. */
static UNUSED void words(struct strv *sv, const char *text)
{
	char *copy = xstrdup(text), *save = NULL;

	for (char *w = strtok_r(copy, " ", &save); w;
	     w = strtok_r(NULL, " ", &save))
		strv_add(sv, w);
	free(copy);
}

#endif
