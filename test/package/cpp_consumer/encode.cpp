// Prints the CDR bytes of one FdrRecord in hexadecimal, made by the C++ type support.
#include <cstdint>
#include <cstdio>
#include <vector>

#include <fastcdr/Cdr.h>
#include <fdr_node/msg/fdr_record.hpp>
#include <rosidl_typesupport_cpp/message_type_support.hpp>
#include <rosidl_typesupport_fastrtps_cpp/identifier.hpp>
#include <rosidl_typesupport_fastrtps_cpp/message_type_support.h>

int main()
{
  fdr_node::msg::FdrRecord record;
  record.stamp.sec = 1700000000;
  record.stamp.nanosec = 5;
  record.monotonic_ns = 123456789;
  record.session_id = 0xfeedfacecafebeef;
  record.seq = 42;
  record.schema_version = 1;
  record.producer_id = "estimator";
  record.kind = "estimate";
  record.payload = {0x81, 0xa1, 'x', 0x01};

  const auto * handle = get_message_typesupport_handle(
    rosidl_typesupport_cpp::get_message_type_support_handle<fdr_node::msg::FdrRecord>(),
    rosidl_typesupport_fastrtps_cpp::typesupport_identifier);
  if (handle == nullptr) {
    return 1;
  }
  const auto * callbacks = static_cast<const message_type_support_callbacks_t *>(handle->data);
  std::vector<char> bytes(1024);
  eprosima::fastcdr::FastBuffer buffer(bytes.data(), bytes.size());
  eprosima::fastcdr::Cdr cdr(
    buffer, eprosima::fastcdr::Cdr::DEFAULT_ENDIAN, eprosima::fastcdr::CdrVersion::XCDRv1);
  cdr.set_encoding_flag(eprosima::fastcdr::EncodingAlgorithmFlag::PLAIN_CDR);
  cdr.serialize_encapsulation();
  if (!callbacks->cdr_serialize(&record, cdr)) {
    return 2;
  }
  for (std::size_t i = 0; i < cdr.get_serialized_data_length(); ++i) {
    std::printf("%02x", static_cast<std::uint8_t>(bytes[i]));
  }
  return 0;
}
