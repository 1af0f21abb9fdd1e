// One thread that does tasks in the order in which they were posted.
#pragma once
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>

namespace preresnet {

class TaskThread {
 public:
  TaskThread();
  ~TaskThread() { stop(); }
  TaskThread(const TaskThread&) = delete;
  TaskThread& operator=(const TaskThread&) = delete;

  /// Tasks must not throw. After stop() they are dropped.
  void post(std::function<void()> task);
  /// Done when no other task waits, after a moment: to look at what goes on elsewhere. One at a
  /// time.
  void post_idle(std::function<void()> task);
  /// Waits until all posted tasks are done and the thread has ended. Not from the thread itself.
  void stop();

 private:
  void loop();

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> tasks_;
  std::function<void()> idle_task_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace preresnet
