#pragma once

#include "charger_bridge/ocmf/der.h"
#include "charger_bridge/ocmf/public_key.h"

namespace tally::bridge {

/// Whether the bytes are a point of the curve other than its zero: 04 | X | Y, or 02 or 03 | X, of
/// the curve's length.
[[nodiscard]] bool is_point(MeterCurve curve, ByteView point);

/// Whether the pair is the key's ECDSA signature over `digest`; false too when the point is none of
/// the curve, or r or s is zero or not below the curve's order.
[[nodiscard]] bool verify_ecdsa(MeterCurve curve, ByteView point, const EcdsaPair& pair,
                                const Hash& digest);

}  // namespace tally::bridge
