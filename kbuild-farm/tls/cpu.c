/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "tls/cpu.h"

#if defined(__aarch64__) || defined(__arm__)
#include <asm/hwcap.h>
#include <sys/auxv.h>
#endif

bool tls_cpu_has_aes(void)
{
#if defined(__x86_64__) || defined(__i386__)
	__builtin_cpu_init();
	return __builtin_cpu_supports("aes") &&
	       __builtin_cpu_supports("pclmul");
#elif defined(__aarch64__)
	unsigned long both = HWCAP_AES | HWCAP_PMULL;

	return (getauxval(AT_HWCAP) & both) == both;
#elif defined(__arm__)
	unsigned long both = HWCAP2_AES | HWCAP2_PMULL;

	return (getauxval(AT_HWCAP2) & both) == both;
#else
	/* OpenSSL 3.0 uses none elsewhere, as on RISC-V. */
	return false;
#endif
}
