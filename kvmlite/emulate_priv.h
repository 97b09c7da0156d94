/* SPDX-License-Identifier: GPL-2.0 */
/* Shared by the emulator's own files. */
#ifndef KL_EMULATE_PRIV_H
#define KL_EMULATE_PRIV_H

#include "emulate.h"

u64 kl_alu(enum kl_op op, unsigned int size, u64 a, u64 b, u64 *rflags);

u64 kl_emul_get_reg(const struct kl_emul *e, const struct kl_opnd *o);
void kl_emul_set_reg(struct kl_emul *e, const struct kl_opnd *o, u64 val);
void kl_emul_set_addr_reg(struct kl_emul *e, enum kl_gpr reg, unsigned int size, u64 val);

int kl_emul_load(struct kl_emul *e, enum kl_sreg seg, u64 offset, u64 *val,
		 unsigned int bytes);
int kl_emul_store(struct kl_emul *e, enum kl_sreg seg, u64 offset, u64 val,
		  unsigned int bytes);

int kl_emul_string(struct kl_emul *e, const struct kl_insn *insn, bool *more);

#endif /* KL_EMULATE_PRIV_H */
