// Copyright 2026 The fdr_node authors. Apache-2.0, see LICENSE.
//
// A C++ component that publishes one record a second to the flight data recorder.

#include <chrono>
#include <cstdint>
#include <memory>
#include <random>

#include <fdr_node/msg/fdr_record.hpp>
#include <nlohmann/json.hpp>
#include <rclcpp/rclcpp.hpp>

namespace
{

uint64_t random_session()
{
  std::random_device device;
  return (static_cast<uint64_t>(device()) << 32) | device();
}

uint64_t monotonic_ns()
{
  // steady_clock is CLOCK_MONOTONIC on Linux.
  const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::nanoseconds>(since_boot).count();
}

}  // namespace

int main(int argc, char ** argv)
{
  rclcpp::init(argc, argv);
  const auto node = std::make_shared<rclcpp::Node>("wind_estimator");
  const auto publisher = node->create_publisher<fdr_node::msg::FdrRecord>(
    "/fdr/records", rclcpp::QoS(1000).best_effort());
  const uint64_t session_id = random_session();
  uint64_t seq = 0;

  const auto timer = node->create_wall_timer(std::chrono::seconds(1), [&]() {
      fdr_node::msg::FdrRecord record;
      record.producer_id = "wind_estimator";
      record.session_id = session_id;   // random, drawn once per start
      record.seq = seq++;               // before any queue: a hole is a lost record
      record.schema_version = 1;
      record.kind = "wind";
      record.stamp = node->now();
      record.monotonic_ns = monotonic_ns();  // CLOCK_MONOTONIC
      record.payload = nlohmann::json::to_msgpack({{"speed_m_s", 4.2}, {"from_deg", 270.0}});
      publisher->publish(record);       // QoS: rclcpp::QoS(1000).best_effort()
  });
  rclcpp::spin(node);
  rclcpp::shutdown();
  return 0;
}
